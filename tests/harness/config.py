"""Collector YAML as Python dicts: the few shapes that the tests need, each with loopback addresses."""

import copy

import yaml


def otlp_receiver(address, **grpc):
    if address.startswith("unix:"):
        grpc = {"endpoint": address[5:], "transport": "unix", **grpc}
    else:
        grpc = {"endpoint": address, **grpc}
    return {"protocols": {"grpc": grpc}}


def otlp_http_receiver(address, **http):
    return {"protocols": {"http": {"endpoint": address, **http}}}


def for_every_signal(config):
    """The traces pipeline once more for logs and metrics."""
    config = copy.deepcopy(config)
    pipelines = config["service"]["pipelines"]
    for signal in ("logs", "metrics"):
        pipelines[signal] = copy.deepcopy(pipelines["traces"])  # a shared object would become a YAML anchor
    return config


def otlp_exporter(address, **settings):
    return {"endpoint": address, "tls": {"insecure": True}, "compression": "none",
            "retry_on_failure": {"initial_interval": "100ms", "max_interval": "500ms", "max_elapsed_time": "60s"}, **settings}


def pipeline(receive, exporters, processors=None, receiver=None):
    """One traces pipeline. receive: the listening address. exporters, processors: id -> settings."""
    processors = processors or {}
    return {
        "receivers": {"otlp": receiver or otlp_receiver(receive)},
        "processors": processors,
        "exporters": exporters,
        "service": {"pipelines": {"traces": {"receivers": ["otlp"], "processors": list(processors), "exporters": list(exporters)}}},
    }


def with_telemetry(config, port):
    """The Collector's own spelling of a Prometheus scrape port on loopback; weft answers /v1/ledger there too."""
    config = copy.deepcopy(config)
    reader = {"pull": {"exporter": {"prometheus": {"host": "127.0.0.1", "port": port}}}}
    config["service"].setdefault("telemetry", {}).setdefault("metrics", {})["readers"] = [reader]
    return config


def text(config):
    return yaml.safe_dump(config, sort_keys=False)
