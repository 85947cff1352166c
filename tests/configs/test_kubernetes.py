"""config/kubernetes runs config/framecast: what a manifest mounts, sets and opens is what its config reads and listens on."""

import fnmatch
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest
import unittest.mock

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import framecast
from harness.case import only_weft
from harness.places import TREE

FOLDER = TREE / "config" / "kubernetes"
NAMES = ("agent", "gateway")
ENVIRONMENT_NAME = re.compile(r"\$\{env:([A-Z0-9_]+)(:-)?")


def documents(path):
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def find(name, kind):
    found = [document for document in documents(FOLDER / f"{name}.yaml") if document["kind"] == kind]
    assert len(found) == 1, f"{name}.yaml has {len(found)} of kind {kind}"
    return found[0]


def workload(name):
    return find(name, {"agent": "DaemonSet", "gateway": "Deployment"}[name])


def pod(name):
    return workload(name)["spec"]["template"]["spec"]


def container(name):
    return pod(name)["containers"][0]


def ports_of(name):
    return {port["name"]: port["containerPort"] for port in container(name)["ports"]}


def port_of(endpoint):
    return int(endpoint.rsplit(":", 1)[1])


def ports_of_config(name):
    """What the config listens on, under the manifests' names."""
    config = framecast.load(name)
    otlp = config["receivers"]["otlp"]["protocols"]
    lines = config["receivers"].get("jsonlog", {"protocols": {}})["protocols"]
    found = {f"otlp-{protocol}": port_of(block["endpoint"]) for protocol, block in otlp.items()}
    found |= {f"lines-{protocol}": port_of(block["endpoint"]) for protocol, block in lines.items()}
    reader = config["service"]["telemetry"]["metrics"]["readers"][0]["pull"]["exporter"]["prometheus"]
    return found | {"telemetry": reader["port"], "health": port_of(config["extensions"]["health_check"]["endpoint"])}


def environment_of(name):
    """What the manifest sets, and what the secret must hold by the words of kustomization.yaml."""
    fixed = {item["name"]: item.get("value", "of-the-node") for item in container(name)["env"]}
    secret = container(name)["envFrom"][0]["secretRef"]["name"]
    words = (FOLDER / "kustomization.yaml").read_text().replace("\\\n#", " ")
    line = next(line for line in words.splitlines() if f"secret generic {secret} " in line)
    return fixed | {key: framecast.ENVIRONMENT[key] for key in re.findall(r"--from-literal=([A-Z_]+)=", line)}


class ManifestsTest(unittest.TestCase):
    def test_kustomization_names_what_is_there(self):
        resources = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
        self.assertEqual({(FOLDER / resource).resolve() for resource in resources},
                         {framecast.FOLDER, *(FOLDER / f"{name}.yaml" for name in NAMES)})
        generated = yaml.safe_load((framecast.FOLDER / "kustomization.yaml").read_text())["configMapGenerator"]
        self.assertEqual({item["name"]: item["files"] for item in generated}, {f"weft-{name}": [f"{name}.yaml"] for name in NAMES})

    def test_each_reads_its_own_config(self):
        for name in NAMES:
            arguments = container(name)["args"]
            mounts = {mount["name"]: mount for mount in container(name)["volumeMounts"]}
            volumes = {volume["name"]: volume for volume in pod(name)["volumes"]}
            self.assertEqual(set(mounts), set(volumes))
            self.assertEqual(volumes["config"]["configMap"]["name"], f"weft-{name}")
            self.assertEqual(arguments[arguments.index("--config") + 1], f"{mounts['config']['mountPath']}/{name}.yaml")
            self.assertEqual(arguments[arguments.index("--state-dir") + 1], mounts["state"]["mountPath"])
            stop = int(arguments[arguments.index("--shutdown-timeout") + 1].removesuffix("s"))
            self.assertLess(stop, pod(name)["terminationGracePeriodSeconds"])
            self.assertEqual({mount for mount in mounts if not mounts[mount].get("readOnly")}, {"state"})

    def test_ports_are_those_of_the_config(self):
        for name in NAMES:
            self.assertEqual(ports_of(name), ports_of_config(name))
            for port in find(name, "Service")["spec"]["ports"]:
                self.assertEqual(port["port"], ports_of(name)[port["targetPort"]])
            for probe in ("livenessProbe", "readinessProbe"):
                self.assertEqual(container(name)[probe]["httpGet"], {"path": "/", "port": "health"})
            annotations = workload(name)["spec"]["template"]["metadata"]["annotations"]
            self.assertEqual(int(annotations["prometheus.io/port"]), ports_of(name)["telemetry"])

    def test_environment_is_what_the_config_reads(self):
        for name in NAMES:
            read = dict(ENVIRONMENT_NAME.findall((framecast.FOLDER / f"{name}.yaml").read_text()))
            given = set(environment_of(name))
            self.assertLessEqual(given, set(read), "nobody reads it")
            self.assertLessEqual({key for key, has_default in read.items() if not has_default}, given, "it is not set")

    def test_files_that_are_named_are_mounted(self):
        for name in NAMES:
            mounts = {mount["name"]: mount["mountPath"] for mount in container(name)["volumeMounts"]}
            tls = next(volume for volume in pod(name)["volumes"] if volume["name"] == "tls")["secret"]
            files = {f"{mounts['tls']}/{item['path']}" for item in tls["items"]}
            self.assertEqual({value for value in environment_of(name).values() if value.startswith("/")}, files)

    def test_labels_select_each_other(self):
        for name in NAMES:
            labels = workload(name)["spec"]["template"]["metadata"]["labels"]
            self.assertEqual(workload(name)["spec"]["selector"]["matchLabels"], labels)
            self.assertEqual(find(name, "Service")["spec"]["selector"], labels)

    def test_agents_find_the_gateway_and_only_they_may(self):
        service = find("gateway", "Service")
        self.assertEqual(environment_of("agent")["FRAMECAST_GATEWAY"],
                         f"{service['metadata']['name']}:{service['spec']['ports'][0]['port']}")
        policy = find("gateway", "NetworkPolicy")["spec"]
        self.assertEqual(policy["podSelector"]["matchLabels"], service["spec"]["selector"])
        for rule in policy["ingress"]:
            is_open = {port["port"] for port in rule["ports"]} <= {"telemetry", "health"}
            agents = [{"podSelector": workload("agent")["spec"]["selector"]}]
            self.assertEqual(rule.get("from"), None if is_open else agents)

    def test_an_agent_reads_all_pods_but_its_own_kind(self):
        files = framecast.load("agent")["receivers"]["file_log"]
        mounted = next(volume["hostPath"]["path"] for volume in pod("agent")["volumes"] if volume["name"] == "pods")
        mount = next(mount for mount in container("agent")["volumeMounts"] if mount["name"] == "pods")
        self.assertEqual((mount["mountPath"], mount["readOnly"]), (mounted, True))
        self.assertTrue(all(pattern.startswith(mounted + "/") for pattern in files["include"]))
        for name in NAMES:
            path = f"{mounted}/observability_{workload(name)['metadata']['name']}-x7k2p_0f1e2d3c/weft/0.log"
            self.assertTrue(any(fnmatch.fnmatch(path, pattern) for pattern in files["exclude"]), path)

    def test_there_is_one_gateway_at_any_time(self):
        spec = workload("gateway")["spec"]
        self.assertEqual((spec["replicas"], spec["strategy"]), (1, {"type": "Recreate"}))

    def test_nobody_may_more_than_he_has_to(self):
        for name in NAMES:
            security = container(name)["securityContext"]
            self.assertEqual((security["readOnlyRootFilesystem"], security["allowPrivilegeEscalation"], security["capabilities"]),
                             (True, False, {"drop": ["ALL"]}))
            self.assertFalse(pod(name)["automountServiceAccountToken"])
            self.assertIn("memory", container(name)["resources"]["limits"])
        self.assertTrue(pod("gateway")["securityContext"]["runAsNonRoot"])

    @only_weft("it has not all of the components")
    def test_configs_are_valid_with_what_the_manifests_set(self):
        for name in NAMES:
            kept = {key: value for key, value in os.environ.items() if key not in framecast.ENVIRONMENT}
            with unittest.mock.patch.dict(os.environ, {**kept, **environment_of(name)}, clear=True):
                done = subprocess.run([framecast.program_under_test(), "validate", "--no-files", "--config", framecast.FOLDER / f"{name}.yaml"],
                                      capture_output=True, text=True, timeout=30)
            self.assertEqual((done.returncode, done.stdout), (0, "the config is valid\n"), done.stderr)

    @unittest.skipUnless(shutil.which("kubectl"), "kubectl is not on the PATH")
    def test_kustomize_puts_the_files_themselves_in(self):
        done = subprocess.run(["kubectl", "kustomize", FOLDER], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        made = [document for document in yaml.safe_load_all(done.stdout) if document]
        maps = {document["metadata"]["name"]: document["data"] for document in made if document["kind"] == "ConfigMap"}
        used = [volume["configMap"]["name"] for document in made if document["kind"] in ("DaemonSet", "Deployment")
                for volume in document["spec"]["template"]["spec"]["volumes"] if "configMap" in volume]
        self.assertEqual(set(used), set(maps))
        self.assertEqual(sorted(maps.values(), key=list), [{f"{name}.yaml": (framecast.FOLDER / f"{name}.yaml").read_text()}
                                                          for name in NAMES])
        self.assertEqual({document["metadata"]["namespace"] for document in made}, {"observability"})
