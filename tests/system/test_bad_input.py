"""What goes wrong outside: one clear line, a metric, a growing back-off, nothing else disturbed, and
healing without a restart once it is mended."""

import contextlib
import itertools
import os
import pathlib
import re
import resource
import shutil
import subprocess
import time

import pytest
import yaml

import driftwarden
from certificates import Authority
from processes import private_folder, remove_folder, wait_for
from relay import Relay
from simulation import sam_of, wait_for_baseline, wait_for_state

OTHER = {"corp": "contoso", "contoso": "corp"}


def sample(daemon, name, **labels):
    """One series of /metrics as a number; None when it is not there."""
    for line in daemon.metrics().splitlines():
        match = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
        if match and match[1] == f"driftwarden_{name}":
            found = dict(re.findall(r'(\w+)="([^"]*)"', match[2] or ""))
            if found == labels:
                return float(match[3])
    return None


def failures(daemon, source):
    return sample(daemon, "source_polls_total", source=source, result="error")


def complaints(daemon):
    """The log's warnings and errors, but for what the simulated directory has not: tombstones."""
    return [line for line in daemon.log_text().splitlines()
            if re.search(r"level=(warn|error) ", line) and "ad_tombstones_hidden" not in line]


class Fault:
    """How something breaks, what the one line says of it, and how it is mended."""

    def __init__(self, source, says, hurt, mend):
        self.source, self.says, self.hurt, self.mend = source, says, hurt, mend


@contextlib.contextmanager
def _relayed(config, kind, simulation):
    """Puts a relay before the source and gives it."""
    url = simulation.ldaps_url if kind == "active_directory" else \
        simulation.config["entra"][0]["endpoints"]["graph"]
    relay = Relay(url)
    if kind == "active_directory":
        config[kind][0]["servers"] = [relay.url]
    else:
        config[kind][0]["endpoints"] = {"login": relay.url, "graph": relay.url}
    try:
        yield relay
    finally:
        relay.close()


def _file_fault(source, says, path, wrong):
    """A file whose content is wrong for a while. The connection is cut to have it read again."""
    right = path.read_text()
    return Fault(source, says, lambda: path.write_text(wrong), lambda: path.write_text(right))


def _own_copy(folder, section, key):
    """The file named at `key`, as a copy that may be broken."""
    copy = folder / pathlib.Path(section[key]).name
    shutil.copy(section[key], copy)
    copy.chmod(0o600)
    section[key] = str(copy)
    return copy


@contextlib.contextmanager
def prepared(name, simulation, config, folder):
    """The fault called `name` against this configuration."""
    directory, tenant = config["active_directory"][0], config["entra"][0]
    with contextlib.ExitStack() as stack:
        if name in ("unreachable_dc", "unreachable_graph"):
            kind = "active_directory" if name == "unreachable_dc" else "entra"
            relay = stack.enter_context(_relayed(config, kind, simulation))
            yield Fault("corp" if kind == "active_directory" else "contoso",
                        rf"127\.0\.0\.1:{relay.port}", relay.cut, relay.join)
        elif name == "refused_bind":
            relay = stack.enter_context(_relayed(config, "active_directory", simulation))
            password = _own_copy(folder, directory["bind"], "password_file")

            def hurt():
                simulation.fault(ldap_refuse_bind=True)
                relay.drop()

            def mend():
                simulation.mend()
                password.touch()  # a refused secret is not tried again at once unless told so

            yield Fault("corp", "(?i)invalid ?credentials|bind", hurt, mend)
        elif name == "wrong_password":
            yield _file_fault("corp", "(?i)invalid ?credentials|bind",
                              _own_copy(folder, directory["bind"], "password_file"), "wrong")
        elif name in ("untrusted_dc", "untrusted_graph"):
            stranger = Authority(folder / "stranger", "somebody else").ca_file.read_text()
            source, section = ("corp", directory) if name == "untrusted_dc" else ("contoso", tenant)
            yield _file_fault(source, "(?i)certificate", _own_copy(folder, section, "ca_file"),
                              stranger)
        elif name == "refused_token":
            yield Fault("contoso", "(?i)AADSTS|invalid_client|token",
                        lambda: simulation.fault(refuse_token=True, reject_bearer=True),
                        simulation.mend)
        elif name == "wrong_secret":
            yield _file_fault("contoso", "(?i)AADSTS|invalid_client|token",
                              _own_copy(folder, tenant["credential"], "secret_file"), "wrong")


def _watch(daemon, fault):
    """Broken: one line, the metrics, and waits that grow while the other source goes on."""
    wait_for(lambda: sample(daemon, "source_up", source=fault.source) == 0, 20, "source_up 0", 0.2)
    wait_for(lambda: failures(daemon, fault.source), 5, "failed polls counted", 0.2)
    other = OTHER[fault.source]
    before, others = failures(daemon, fault.source), sample(
        daemon, "source_polls_total", source=other, result="ok")
    counts = []
    # Two windows as long as each other: waits grow, so the second holds fewer attempts.
    for _ in range(2):
        time.sleep(3)
        counts.append(failures(daemon, fault.source) - before)
        before += counts[-1]
    assert counts[1] <= max(counts[0], 2), counts
    assert sum(counts) < 12, f"no back-off: {counts} failed polls within 3 s each"
    went_on = sample(daemon, "source_polls_total", source=other, result="ok") - others
    assert went_on >= 6, f"{other} was polled only {went_on} times meanwhile"
    assert sample(daemon, "source_up", source=other) == 1
    lines = complaints(daemon)
    assert len(lines) == 1, "\n".join(lines)
    assert re.search(rf"event=source_failed .*\bsource={fault.source}\b", lines[0]), lines[0]
    assert re.search(fault.says, lines[0]), lines[0]
    status = {item["name"]: item for item in daemon.status()["sources"]}
    assert status[fault.source]["up"] is False and status[fault.source]["error"]
    assert status[other]["up"] is True


FROM_THE_START = ["wrong_password", "untrusted_dc", "untrusted_graph", "wrong_secret"]
LATER = ["unreachable_dc", "unreachable_graph", "refused_bind", "refused_token"]


@pytest.mark.parametrize("name", FROM_THE_START)
def test_a_source_that_never_worked_heals(name, simulation, make_daemon, tmp_path):
    config = simulation.fast_config()
    with prepared(name, simulation, config, tmp_path) as fault:
        fault.hurt()
        daemon = make_daemon(config).start()
        _watch(daemon, fault)
        fault.mend()
        wait_for_baseline(daemon)
        assert sample(daemon, "source_up", source=fault.source) == 1
        simulation.change(sam_of(1), "disable")
        wait_for_state(daemon, sam_of(1), "contained")
        assert daemon.stop() == 0


@pytest.mark.parametrize("name", LATER)
def test_a_source_that_breaks_heals(name, simulation, make_daemon, tmp_path):
    config = simulation.fast_config()
    with prepared(name, simulation, config, tmp_path) as fault:
        daemon = make_daemon(config).start()
        wait_for_baseline(daemon)
        fault.hurt()
        _watch(daemon, fault)
        fault.mend()
        wait_for(lambda: sample(daemon, "source_up", source=fault.source) == 1, 20, "healed", 0.2)
        simulation.change(sam_of(1), "disable")
        wait_for_state(daemon, sam_of(1), "contained")
        assert "source_recovered" in daemon.log_text()
        assert daemon.stop() == 0


# The configuration -------------------------------------------------------------------------------


def _lines_of(text, needle):
    """LINE:COLUMN of the needle, as an editor counts."""
    line = next(number for number, line in enumerate(text.splitlines(), 1) if needle in line)
    return line, text.splitlines()[line - 1].index(needle) + 1


@pytest.mark.parametrize("wrong, needle, says", [
    ("http: {lisen: 127.0.0.1:0}", "lisen", "lisen"),
    ("policy: {settle: soon}", "soon", "settle"),
    ("remediation: {mode: bold}", "bold", "mode"),
    ("log: [info]", "[info]", "log"),
])
def test_a_fault_in_the_configuration_names_its_place(wrong, needle, says, simulation, tmp_path):
    key = wrong.split(":")[0]
    config = {"data_dir": str(tmp_path / "data"), **simulation.fast_config()}
    config.pop(key, None)
    text = yaml.safe_dump(config, sort_keys=False) + wrong + "\n"
    file = tmp_path / "driftwarden.yaml"
    file.write_text(text)
    line, column = _lines_of(text, needle)
    for verb in (["run"], ["run", "--once"], ["check", "--offline"]):
        done = driftwarden.run_command(*verb, "--config", file)
        assert done.returncode == 2, done.stdout + done.stderr
        place = re.search(rf"^{re.escape(str(file))}:(\d+):(\d+): (.*)$", done.stderr, re.MULTILINE)
        assert place, done.stderr
        assert int(place[1]) == line and says in place[3]
        assert int(place[2]) == column, (place[0], column)
    assert not (tmp_path / "data").exists()


def test_broken_yaml_and_missing_files_name_their_place(simulation, tmp_path):
    file = tmp_path / "driftwarden.yaml"
    file.write_text("data_dir: /tmp/x\nhttp: {listen: [\n")
    done = driftwarden.run_command("run", "--config", file)
    assert done.returncode == 2 and re.search(rf"^{re.escape(str(file))}:\d+:\d+: ", done.stderr)
    config = {"data_dir": str(tmp_path / "data"), **simulation.fast_config()}
    config["active_directory"][0]["ca_file"] = str(tmp_path / "nowhere.pem")
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    done = driftwarden.run_command("run", "--config", file)
    assert done.returncode == 2 and "nowhere.pem" in done.stderr
    assert re.search(rf"^{re.escape(str(file))}:\d+:\d+: ", done.stderr)
    assert driftwarden.run_command("run", "--config", tmp_path / "none.yaml").returncode == 2
    assert driftwarden.run_command("run").returncode == 2
    assert driftwarden.run_command("dance").returncode == 2


def test_a_second_process_on_the_same_data_directory_is_refused(simulation, make_daemon):
    daemon = make_daemon(simulation.fast_config()).start()
    wait_for_baseline(daemon)
    for verb in (["run"], ["run", "--once"]):
        second = daemon.command(*verb)
        assert second.returncode == 6, second.stdout + second.stderr
        assert "in use" in second.stderr and str(daemon.process.pid) in second.stderr
    assert daemon.status()["ready"]
    assert daemon.stop() == 0


# The disk ----------------------------------------------------------------------------------------


class SmallDisk:
    """A disk of a few MiB of our own where mounting is permitted; else a limit on the size of every
    file of the process, which fails its writes in the same way."""

    def __init__(self):
        self.folder = private_folder("disk")
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "driftwarden-test",
                                  self.folder], capture_output=True, check=False)
        self.mounted = mounted.returncode == 0
        self._filler = self.folder / "filler"

    def fill(self, pid):
        """Nothing more can be written from here on."""
        if not self.mounted:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
            return
        with open(self._filler, "wb", buffering=0) as filler:
            for size in (1 << 20, 4096, 1):
                with contextlib.suppress(OSError):
                    while filler.write(b"\0" * size):
                        pass

    def free(self):
        self._filler.unlink(missing_ok=True)

    def remount(self, mode):
        """`mode`: ro (only while nobody has a file open for writing) or rw."""
        subprocess.run(["mount", "-o", f"remount,{mode}", self.folder], check=True)

    def close(self):
        if self.mounted:
            subprocess.run(["umount", "-l", self.folder], check=True)
        remove_folder(self.folder)


@pytest.fixture
def small_disk():
    disk = SmallDisk()
    yield disk
    disk.close()


def test_a_full_disk_stops_the_daemon_with_nothing_half_written(simulation, make_daemon, small_disk):
    config = simulation.fast_config(data_dir=str(small_disk.folder / "data"), memory_budget="16MiB")
    daemon = make_daemon(config).start()
    wait_for_baseline(daemon)
    simulation.change(sam_of(1), "disable")
    wait_for_state(daemon, sam_of(1), "contained")
    small_disk.fill(daemon.process.pid)
    verbs = itertools.cycle(["disable", "enable"])

    def ended():
        # What space the store had set aside is used up by and by.
        verb = next(verbs)
        for number in range(10, 60):
            simulation.change(sam_of(number), verb)
        return not daemon.process.running()

    wait_for(ended, 60, "the daemon's end", 0.5)
    assert daemon.process.exit_code == 1, daemon.process.tail()
    told = simulation.alerts(alertname="DriftwardenStoreFailed")
    assert len(told) == 1 and told[0]["labels"]["severity"] == "critical"
    lines = [line for line in daemon.log_text().splitlines() if "event=store_failed" in line]
    assert len(lines) == 1 and "data_dir=" in lines[0], "\n".join(lines)
    for verb in (["store", "check"], ["evidence", "verify"]):
        done = daemon.command(*verb)
        assert done.returncode == 0, done.stdout + done.stderr
    assert daemon.command("run").returncode == 1 or not small_disk.mounted

    small_disk.free()
    daemon.start()
    wait_for_state(daemon, sam_of(1), "contained")
    assert len(simulation.revokes(sam_of(1))) == 1
    # What filled the disk is a mass disable, if it was written before the disk was full; the operator
    # knows of it.
    daemon.command("guard", "reset", "mass_disable", "--reason", "the leavers of this test")
    simulation.change(sam_of(2), "disable")
    wait_for_state(daemon, sam_of(2), "contained")
    simulation.sync(run=True)
    wait_for_state(daemon, sam_of(1), "converged")
    told = simulation.alerts(alertname="DriftwardenStoreFailed")
    assert told and all(alert["resolvedByPost"] for alert in told), told
    assert daemon.stop() == 0
    for verb in (["store", "check"], ["evidence", "verify"]):
        assert daemon.command(*verb).returncode == 0


def test_a_read_only_disk_is_told_to_the_receiver(simulation, make_daemon, small_disk):
    if not small_disk.mounted:
        pytest.skip("mounting is not permitted here; the store's own test covers the refusal")
    config = simulation.fast_config(data_dir=str(small_disk.folder / "data"), memory_budget="16MiB")
    daemon = make_daemon(config).start()
    wait_for_baseline(daemon)
    simulation.change(sam_of(3), "disable")
    wait_for_state(daemon, sam_of(3), "contained")
    assert daemon.stop() == 0

    small_disk.remount("ro")
    refused = daemon.command("run")
    assert refused.returncode == 1, refused.stdout + refused.stderr
    lines = [line for line in refused.stderr.splitlines() if "Read-only file system" in line]
    assert len(lines) == 1 and str(small_disk.folder) in lines[0], refused.stderr
    told = simulation.alerts(alertname="DriftwardenStoreFailed")
    assert any("Read-only" in alert["annotations"]["description"] for alert in told), told
    for verb in (["store", "check"], ["evidence", "verify"]):
        done = daemon.command(*verb)
        assert done.returncode == 0, done.stdout + done.stderr

    small_disk.remount("rw")
    daemon.start()
    wait_for_state(daemon, sam_of(3), "contained")
    assert len(simulation.revokes(sam_of(3))) == 1
    assert daemon.stop() == 0


class FailingDisk:
    """A file system of our own in a file, which turns read-only under whoever writes to it as a real
    one does on an error."""

    def __init__(self):
        self.folder = private_folder("failing-disk")
        self._image, self.mount = self.folder / "image", self.folder / "mount"
        self.mount.mkdir()
        with open(self._image, "wb") as image:
            image.truncate(96 << 20)
        subprocess.run(["/sbin/mkfs.ext4", "-q", self._image], check=True)
        self.mounted = self._mount()
        self.can_fail = self.mounted and os.access(self._trigger(), os.W_OK)

    def _trigger(self):
        device = subprocess.run(["findmnt", "-no", "SOURCE", self.mount], check=True, text=True,
                                capture_output=True).stdout.strip()
        return pathlib.Path("/sys/fs/ext4", device.rpartition("/")[2], "trigger_fs_error")

    def _mount(self):
        return subprocess.run(["mount", "-o", "loop,errors=remount-ro", self._image, self.mount],
                              capture_output=True, check=False).returncode == 0

    def fail(self):
        self._trigger().write_text("1")

    def mend(self):
        subprocess.run(["umount", self.mount], check=True)
        # 1: errors were found and mended.
        assert subprocess.run(["/sbin/fsck.ext4", "-fy", self._image], capture_output=True,
                              check=False).returncode <= 1
        assert self._mount()

    def close(self):
        if self.mounted:
            subprocess.run(["umount", "-l", self.mount], check=True)
        remove_folder(self.folder)


@pytest.fixture
def failing_disk():
    disk = FailingDisk()
    yield disk
    disk.close()


def test_a_disk_that_turns_read_only_stops_the_daemon(simulation, make_daemon, failing_disk):
    if not failing_disk.can_fail:
        pytest.skip("mounting is not permitted here; the store's own test covers the refusal")
    config = simulation.fast_config(data_dir=str(failing_disk.mount / "data"),
                                    memory_budget="16MiB")
    daemon = make_daemon(config).start()
    wait_for_baseline(daemon)
    simulation.change(sam_of(4), "disable")
    wait_for_state(daemon, sam_of(4), "contained")

    failing_disk.fail()
    simulation.change(sam_of(5), "disable")
    wait_for(lambda: not daemon.process.running(), 60, "the daemon's end", 0.2)
    assert daemon.process.exit_code == 1, daemon.process.tail()
    told = simulation.alerts(alertname="DriftwardenStoreFailed")
    assert any("Read-only" in alert["annotations"]["description"] for alert in told), told
    assert not simulation.revokes(sam_of(5))

    failing_disk.mend()
    for verb in (["store", "check"], ["evidence", "verify"]):
        done = daemon.command(*verb)
        assert done.returncode == 0, done.stdout + done.stderr
    daemon.start()
    wait_for_state(daemon, sam_of(5), "contained")
    assert len(simulation.revokes(sam_of(4))) == len(simulation.revokes(sam_of(5))) == 1
    assert daemon.stop() == 0
