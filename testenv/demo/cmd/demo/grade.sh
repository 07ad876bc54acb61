#!/bin/sh
# Runs in the disposable machine, as root, beside what was copied there: installs
# the programs and units as an operator would, grades the demo course, stops the
# units, and fails if anything is left. Status 1: a result is not as expected.
set -eu
cd "$(dirname "$0")"

units="inginious-backend inginious-agent-containerd inginious-agent-mcq"

broken() {
	echo "demo: $*" >&2
	for u in $units; do
		journalctl -q --no-pager -n 20 -u "$u" >&2 || true
	done
	exit 3
}

install -t /usr/bin bin/*
install -D -t /usr/lib/ingot images/ingot-init
install -m 644 -D -t /etc/systemd/system units/*.service
install -m 644 -D -t /etc/ingot units/*.env
echo INGINIOUS_AGENT_CONTAINERD_MAX_PIDS=200 >>/etc/ingot/inginious-agent-containerd.env # a bomb of 1024 takes minutes here
mkdir -p /var/lib/ingot
rm -rf /var/lib/ingot/tasks
cp -r tasks /var/lib/ingot/tasks
ctr -n ingot images import images/demo.tar >/dev/null

systemctl daemon-reload
# shellcheck disable=SC2086 # a list of words
systemctl restart $units || broken "the units do not start"

status=0
ingot demo --tasks tasks demo.yaml || status=$?

# shellcheck disable=SC2086
systemctl stop $units || broken "the units do not stop"

left() { echo "demo: left behind: $*" >&2; status=3; }

for kind in containers tasks; do
	found=$(ctr -n ingot "$kind" ls -q)
	[ -z "$found" ] || left "$kind: $found"
done
found=$(ctr -n ingot snapshots ls | awk 'NR > 1 && $NF != "Committed"')
[ -z "$found" ] || left "snapshots: $found"
found=$(grep /var/lib/ingot /proc/self/mountinfo || true)
[ -z "$found" ] || left "mounts: $found"
found=$(ls -A /var/lib/ingot/agent/jobs 2>/dev/null || true)
[ -z "$found" ] || left "directories: $found"
found=$(find /sys/fs/cgroup -type d \( -name 'ingot*' -o -name 'inginious-*' \))
[ -z "$found" ] || left "cgroups: $found"
found=$(ps -e -o pid=,comm= 2>/dev/null | grep -E 'containerd-shim|ingin|ingot' || true)
[ -z "$found" ] || left "processes: $found"
[ "$status" -le 1 ] || broken "see above"
exit "$status"
