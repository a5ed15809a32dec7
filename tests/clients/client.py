"""A connector's life through kafka-connect-py. Arguments: the worker's URL, the topic, the file to write."""

import sys
import time

from kafka_connect import KafkaConnect

LIMIT_SECONDS = 60

url, topic, file = sys.argv[1:]
connect = KafkaConnect(url=url)
config = {
    "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
    "tasks.max": "1",
    "topics": topic,
    "file": file,
}


def until(what, event):
    """Asks again until event() holds; a refusal while the cluster rebalances is no answer."""
    deadline = time.monotonic() + LIMIT_SECONDS
    last = None
    while time.monotonic() < deadline:
        try:
            last = event()
            if last:
                return last
        except Exception as refused:
            last = refused
        time.sleep(0.05)
    raise SystemExit(f"{what}: {last!r}")


def has_states(connector, tasks):
    def seen():
        status = connect.get_connector_status("py")
        states = [task["state"] for task in status["tasks"]]
        return status["connector"]["state"] == connector and states == tasks

    return until(f"{connector} with {tasks}", seen)


assert connect.get_cluster_info()["version"]
plugins = [plugin["class"] for plugin in connect.list_connector_plugins()]
assert config["connector.class"] in plugins, plugins
found = connect.validate_connector_config("FileStreamSinkConnector", config | {"name": "py"})
assert found["error_count"] == 0, found
found = connect.validate_connector_config("FileStreamSinkConnector", config | {"tasks.max": "x"})
assert found["error_count"] > 0, found
connect.create_connector({"name": "py", "config": config})
has_states("RUNNING", ["RUNNING"])
assert "py" in until("the list", connect.list_connectors)
assert "py" in connect.list_connectors(expand="status", state="RUNNING")
assert connect.get_connector_config("py")["topics"] == topic
connect.pause_connector("py")
has_states("PAUSED", ["PAUSED"])
connect.resume_connector("py")
has_states("RUNNING", ["RUNNING"])
connect.restart_connector("py")
has_states("RUNNING", ["RUNNING"])
connect.restart_connector("py", include_tasks=True)
has_states("RUNNING", ["RUNNING"])
connect.restart_connector_task("py", 0)
has_states("RUNNING", ["RUNNING"])
connect.update_connector("py", config | {"name": "py", "tasks.max": "2"})
has_states("RUNNING", ["RUNNING", "RUNNING"])
assert len(connect.list_connector_tasks("py")) == 2
assert connect.get_connector_task_status("py", 1)["state"] == "RUNNING"
until("the topic in use", lambda: connect.list_connector_topics("py")["py"]["topics"] == [topic])
connect.stop_connector("py")
has_states("STOPPED", [])
connect.delete_connector("py")
until("the empty list", lambda: connect.list_connectors() == [])
print("all done")
