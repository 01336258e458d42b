"""The broker's settings: one node that is broker and controller, loopback only, small."""

from pathlib import Path

from .ports import LOOPBACK

JVM_FLAGS = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",
)

FIXED = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "default.replication.factor": "1",
    "min.insync.replicas": "1",
    # Groups settle at once; there is no fleet to wait for.
    "group.initial.rebalance.delay.ms": "0",
    # A killed broker's next incarnation waits for the old session to end: 4-8 s, not 13.
    "broker.session.timeout.ms": "1500",
    "broker.heartbeat.interval.ms": "300",
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.segment.bytes": "1048576",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # 1 MiB and a batch header, which is how Kafka itself says 1 MiB.
    "message.max.bytes": "1048588",
    # A quarter of the heap by default.
    "log.cleaner.dedupe.buffer.size": "16777216",
    "num.network.threads": "2",
    "num.io.threads": "4",
}

LOGGING = """\
status=error
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d %p %c{1} %m%n
rootLogger.level=warn
rootLogger.appenderRef.console.ref=console
"""


def properties(*, port: int, controller_port: int, data: Path) -> str:
    """`server.properties` for a broker on these loopback ports."""
    client, controller = f"{LOOPBACK}:{port}", f"{LOOPBACK}:{controller_port}"
    changing = {
        "listeners": f"PLAINTEXT://{client},CONTROLLER://{controller}",
        "advertised.listeners": f"PLAINTEXT://{client}",
        "controller.quorum.voters": f"1@{controller}",
        "log.dirs": str(data).replace("\\", "\\\\"),
    }
    return "".join(f"{key}={value}\n" for key, value in (FIXED | changing).items())
