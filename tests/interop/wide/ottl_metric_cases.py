"""Editors of metrics for test_ottl_metrics: statements in the context of metrics or of data points, and metrics of each kind whose points
are few enough in what they say that some go together."""

import random

TIMES = ["1685104496789000000", "1685104496789000000", "1685104497000000000", "0"]
STARTS = ["1685104490000000000", "1685104480000000000", "0"]
VALUES = {"code": ["200", "500", "a"], "host": ["h1", "h2"], "zone": ["z"]}

METRIC = r"""
convert_sum_to_gauge()
convert_sum_to_gauge() where metric.name == "m1"
convert_sum_to_gauge() where metric.is_monotonic == true
convert_gauge_to_sum("delta", true)
convert_gauge_to_sum("cumulative", false)
convert_gauge_to_sum(monotonic=true, string_agg_temp="delta")
convert_gauge_to_sum("Delta", true)
convert_gauge_to_sum("delta")
convert_gauge_to_sum("delta", "true")
scale_metric(10.0)
scale_metric(0.37, "ms") where metric.type != METRIC_DATA_TYPE_EXPONENTIAL_HISTOGRAM
scale_metric(1e300) where metric.type != METRIC_DATA_TYPE_EXPONENTIAL_HISTOGRAM
scale_metric(0.001, Concat([metric.unit, "k"], "")) where metric.type == METRIC_DATA_TYPE_SUMMARY
scale_metric(0.5, metric.metadata["none"]) where metric.type == METRIC_DATA_TYPE_GAUGE
scale_metric(10)
scale_metric(multiplier=2.0, unit="x") where metric.type == METRIC_DATA_TYPE_HISTOGRAM
copy_metric(name="new") where metric.name == "m1"
copy_metric("new", "what", "By") where metric.name != "new"
copy_metric(name=Concat([metric.name, "x"], "")) where Len(metric.name) < 5
copy_metric(desc="d") where metric.description == ""
copy_metric(description=metric.unit, unit="k") where metric.unit == "s"
copy_metric(name=metric.metadata["none"]) where metric.name == "m1"
copy_metric(name=1) where metric.name == "m1"
copy_metric(metric.name, unit="q") where metric.unit != "q"
extract_count_metric(true) where metric.type == METRIC_DATA_TYPE_SUMMARY
extract_count_metric(false, ".n") where metric.type == METRIC_DATA_TYPE_HISTOGRAM and metric.aggregation_temporality != 0
extract_count_metric(true, suffix="") where metric.type == METRIC_DATA_TYPE_EXPONENTIAL_HISTOGRAM and metric.aggregation_temporality == 1
extract_count_metric(true)
extract_count_metric("x")
extract_sum_metric(true) where metric.type == METRIC_DATA_TYPE_SUMMARY
extract_sum_metric(false, ".total") where metric.type == METRIC_DATA_TYPE_HISTOGRAM and metric.aggregation_temporality != 0
extract_sum_metric(true) where metric.type == METRIC_DATA_TYPE_EXPONENTIAL_HISTOGRAM and metric.aggregation_temporality == 2
convert_summary_quantile_val_to_gauge()
convert_summary_quantile_val_to_gauge("q")
convert_summary_quantile_val_to_gauge("code", ".quantile") where metric.name != "m2"
convert_summary_quantile_val_to_gauge(suffix="")
aggregate_on_attributes("sum", ["code"]) where metric.type != METRIC_DATA_TYPE_SUMMARY
aggregate_on_attributes("mean", ["host", "none"]) where metric.type != METRIC_DATA_TYPE_SUMMARY
aggregate_on_attributes("min", []) where metric.type != METRIC_DATA_TYPE_SUMMARY
aggregate_on_attributes("max", ["zone"]) where metric.type == METRIC_DATA_TYPE_GAUGE
aggregate_on_attributes("median", []) where metric.type == METRIC_DATA_TYPE_SUM or metric.type == METRIC_DATA_TYPE_GAUGE
aggregate_on_attributes("count", ["zone"]) where metric.type != METRIC_DATA_TYPE_SUMMARY
aggregate_on_attributes("sum") where metric.type != METRIC_DATA_TYPE_SUMMARY
aggregate_on_attributes(aggregation_function="mean", attributes=["code", "host"]) where metric.type == METRIC_DATA_TYPE_SUM
aggregate_on_attributes("avg", [])
aggregate_on_attributes("sum", "code")
aggregate_on_attributes("sum", ["code"])
aggregate_on_attribute_value("sum", "code", ["200", "500"], "known") where metric.type != METRIC_DATA_TYPE_SUMMARY
aggregate_on_attribute_value("max", "host", ["h1", "h2"], "all") where metric.type != METRIC_DATA_TYPE_SUMMARY
aggregate_on_attribute_value("median", "code", ["none"], "x") where metric.type != METRIC_DATA_TYPE_SUMMARY
aggregate_on_attribute_value("mean", attribute="code", values=["a", ""], new_value="200") where metric.type != METRIC_DATA_TYPE_SUMMARY
aggregate_on_attribute_value("sum", "code", "200", "x")
extract_percentile_metric(50.0)
extract_percentile_metric(99.9) where metric.name == "m1"
extract_percentile_metric(0.1, "_low") where metric.type == METRIC_DATA_TYPE_HISTOGRAM
extract_percentile_metric(75.5, "") where metric.type == METRIC_DATA_TYPE_EXPONENTIAL_HISTOGRAM
extract_percentile_metric(percentile=25.0, suffix=".q")
extract_percentile_metric(100.0)
extract_percentile_metric(0.0)
extract_percentile_metric(50)
convert_exponential_histogram_to_histogram("upper", [0.0, 1.0, 5.0, 10.0, 100.0])
convert_exponential_histogram_to_histogram("midpoint", [0.5, 1.0, 2.0, 4.0])
convert_exponential_histogram_to_histogram("uniform", [0.0, 0.7, 1.1, 3.0, 8.0, 50.0])
convert_exponential_histogram_to_histogram("uniform", [3.0])
convert_exponential_histogram_to_histogram("random", [1000.0])
convert_exponential_histogram_to_histogram("", [0.001])
convert_exponential_histogram_to_histogram("x", [1.0])
convert_exponential_histogram_to_histogram("upper", [])
convert_exponential_histogram_to_histogram("upper", [1])
convert_exponential_histogram_to_histogram(distribution_fn="upper", explicit_bounds=[2.0, 1.0])
""".strip().split("\n")

DATAPOINT = r"""
convert_summary_count_val_to_sum("delta", true)
convert_summary_count_val_to_sum("cumulative", false, ".n") where metric.name == "m1"
convert_summary_count_val_to_sum("x", false)
convert_summary_sum_val_to_sum("delta", true) where datapoint.attributes["code"] == "200"
convert_summary_sum_val_to_sum("cumulative", false, suffix="_s")
merge_histogram_buckets(5.0)
merge_histogram_buckets(1.5, "remove_explicit_bound")
merge_histogram_buckets(1)
merge_histogram_buckets(7.0)
merge_histogram_buckets(3, "limit_buckets")
merge_histogram_buckets(target_value=2.0, method="limit_buckets")
merge_histogram_buckets(1, "limit_buckets")
merge_histogram_buckets(1.5, "limit_buckets")
merge_histogram_buckets(0, "limit_buckets")
merge_histogram_buckets(Len(metric.name), "limit_buckets")
merge_histogram_buckets(datapoint.attributes["none"]) where metric.type == METRIC_DATA_TYPE_HISTOGRAM
merge_histogram_buckets(nil)
merge_histogram_buckets(1.0, "x")
""".strip().split("\n")

CHAINS = [
    ("metric", ['set(metric.name, "new") where metric.type == METRIC_DATA_TYPE_SUM', "convert_sum_to_gauge()", 'convert_gauge_to_sum("delta", true)',
                "set(metric.is_monotonic, false)", 'set(metric.unit, "u")']),
    ("metric", ["set(metric.aggregation_temporality, 1)", "scale_metric(2.0) where metric.type != METRIC_DATA_TYPE_EXPONENTIAL_HISTOGRAM",
                "set(metric.aggregation_temporality, 2)", 'set(cache["n"], metric.name)', "convert_sum_to_gauge()", 'set(metric.name, cache["n"])']),
    ("metric", ['set(metric.metadata["k"], "v")', "convert_sum_to_gauge()", 'set(metric.metadata["l"], metric.metadata["k"])',
                'delete_key(metric.metadata, "k")']),
    ("metric", ['copy_metric(name="copied") where metric.name == "m1"', 'set(metric.unit, "of the copy") where metric.name == "copied"',
                'set(metric.name, "first") where metric.name == "m1"']),
    ("metric", ['set(metric.unit, "w")', 'copy_metric(name="twice", unit="v") where metric.name == "m2"', "convert_sum_to_gauge()",
                'copy_metric(name="thrice") where metric.name == "twice" and metric.type == METRIC_DATA_TYPE_GAUGE']),
    ("metric", ["set(metric.description, metric.name)", "extract_percentile_metric(90.0)",
                'set(metric.unit, "p") where metric.name == "m1_p90"']),
    ("metric", ['copy_metric(name="by.code") where metric.name == "m1" and metric.type != METRIC_DATA_TYPE_SUMMARY',
                'aggregate_on_attributes("sum", ["code"]) where metric.name == "by.code"',
                'set(metric.metadata["k"], 1) where metric.name == "by.code"', "convert_sum_to_gauge()",
                'aggregate_on_attributes("max", []) where metric.type == METRIC_DATA_TYPE_GAUGE and metric.name != "by.code"']),
    ("datapoint", ['set(datapoint.attributes["zone"], "changed") where datapoint.attributes["code"] == "500"', 'set(metric.unit, "q")',
                   'convert_summary_sum_val_to_sum("delta", true) where metric.name != "m1_sum"', 'set(datapoint.attributes["late"], true)']),
    ("datapoint", ['set(datapoint.attributes["late"], 1)', "merge_histogram_buckets(5.0)", "merge_histogram_buckets(10.0)",
                   'set(datapoint.attributes["left"], Len(datapoint.bucket_counts)) where metric.type == METRIC_DATA_TYPE_HISTOGRAM',
                   'set(datapoint.count, 3) where metric.type == METRIC_DATA_TYPE_HISTOGRAM', 'merge_histogram_buckets(2, "limit_buckets")']),
    ("datapoint", ['set(datapoint.sum, 1.5) where metric.type == METRIC_DATA_TYPE_SUMMARY',
                   'convert_summary_sum_val_to_sum("delta", true)', 'convert_summary_count_val_to_sum("delta", false)',
                   'set(datapoint.attributes["made"], metric.name)']),
]


class Metrics:
    """Requests of a fixed seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def attributes(self):
        return [{"key": key, "value": {"stringValue": self.random.choice(values)}} for key, values in VALUES.items() if self.random.random() < 0.7]

    def number(self):
        return round(self.random.uniform(-9, 90), 2)

    def value(self, prefix="as"):
        return self.random.choice([{f"{prefix}Int": str(self.random.randint(-5, 99))}, {f"{prefix}Double": self.number()}])

    def exemplars(self):
        return [{"timeUnixNano": "7", **self.value()} for _ in range(self.random.choice([0, 0, 1, 2]))]

    def counts(self, length):
        return [str(self.random.choice([0, 0, 1, 2, 9])) for _ in range(length)]

    def of_sum(self, data):
        return data | {key: self.number() for key in ("sum", "min", "max") if self.random.random() < 0.7}

    def point(self, kind, bounds, offset, scale):
        made = {"attributes": self.attributes(), "timeUnixNano": self.random.choice(TIMES), "startTimeUnixNano": self.random.choice(STARTS),
                "flags": self.random.choice([0, 0, 0, 1])}
        count = {"count": str(self.random.choice([0, 1, 5, 12]))}
        if kind in ("gauge", "sum"):
            return made | self.random.choice([self.value(), self.value(), self.value(), {}]) | {"exemplars": self.exemplars()}
        if kind == "histogram":
            counts = self.counts(len(bounds) + 1)
            count = count if self.random.random() < 0.1 else {"count": str(sum(map(int, counts)))}
            return self.of_sum(made | count | {"explicitBounds": bounds, "bucketCounts": counts, "exemplars": self.exemplars()})
        if kind == "exponentialHistogram":
            zeros, positive, negative = (self.counts(self.random.randint(*range_)) for range_ in ((1, 1), (0, 5), (0, 3)))
            count = count if self.random.random() < 0.1 else {"count": str(sum(map(int, zeros + positive + negative)))}
            return self.of_sum(made | count | {
                "scale": scale, "zeroCount": zeros[0], "zeroThreshold": 0.25, "exemplars": self.exemplars(),
                "positive": {"offset": offset, "bucketCounts": positive}, "negative": {"offset": abs(offset), "bucketCounts": negative}})
        quantiles = [{"quantile": at, "value": self.number()} for at in (0.0, 0.5, 0.99)[:self.random.randint(0, 3)]]
        return made | count | {"sum": self.number(), "quantileValues": quantiles}

    def metric(self):
        kind = self.random.choice(["gauge", "sum", "histogram", "exponentialHistogram", "summary"])
        bounds = self.random.choice([[], [1.5], [0.0, 1.0, 2.5], [1.0, 5.0, 10.0, 20.0, 50.0]])
        scales = self.random.choice([[0], [1], [-1], [0, 1]])
        offset = self.random.choice([-1, 0, 2])  # of all: the Collector puts counts of different ones into wrong buckets
        data = {"dataPoints": [self.point(kind, bounds, offset, self.random.choice(scales)) for _ in range(self.random.randint(0, 6))]}
        if kind not in ("gauge", "summary"):
            data["aggregationTemporality"] = self.random.randint(0, 2)
        if kind == "sum":
            data["isMonotonic"] = self.random.random() < 0.5
        metadata = [{"key": "meta", "value": {"stringValue": "d"}}] if self.random.random() < 0.3 else []
        return {"name": self.random.choice(["m1", "m2", "http.requests"]), "unit": self.random.choice(["", "s"]),
                "description": self.random.choice(["", "what it is"]), "metadata": metadata, kind: data}

    def request(self):
        scopes = [{"scope": {"name": name}, "metrics": [self.metric() for _ in range(self.random.randint(1, 3))]} for name in ("a", "b")]
        return {"resourceMetrics": [{"resource": {"attributes": self.attributes()}, "scopeMetrics": scopes}]}


def cases():
    """Each a context and a list of statements."""
    for context, statements in (("metric", METRIC), ("datapoint", DATAPOINT)):
        for statement in statements:
            if statement:
                yield context, [statement]
    yield from CHAINS
