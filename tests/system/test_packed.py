"""What the daemon answers with, packed."""

import subprocess


def test_answers_come_packed_for_whoever_takes_them_so(make_simulation, make_daemon):
    daemon = make_daemon(make_simulation(users=5).fast_config(mode="observe")).start()
    for path in ("/metrics", "/api/v1/status"):
        run = ["curl", "--silent", "--show-error", "--max-time", "20", "--dump-header", "-"]
        plain = subprocess.run([*run, daemon.url + path], capture_output=True, timeout=30,
                               check=True).stdout
        packed = subprocess.run([*run, "--compressed", daemon.url + path], capture_output=True,
                                timeout=30, check=True).stdout
        assert b"Content-Encoding" not in plain and b"Content-Encoding: gzip" in packed
        said = [answer.split(b"\r\n\r\n", 1)[1] for answer in (plain, packed)]
        assert said[0][:12] == said[1][:12], path
    assert daemon.stop() == 0
