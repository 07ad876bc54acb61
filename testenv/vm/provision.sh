#!/bin/sh
# Makes a Debian trixie system able to grade: packages and containerd's
# configuration. It is run as root, in a chroot while the disposable machine's
# disk is built and on the Vagrant box; running it again changes nothing.
set -eu

PACKAGES="
	linux-image-cloud-amd64 systemd systemd-sysv dbus udev kmod iproute2
	containerd runc crun containernetworking-plugins busybox-static
	openssh-server ca-certificates python3-zmq python3-msgpack e2fsprogs
"

# The Vagrant box has a kernel of its own flavour; any 6.x has what is needed.
if [ -e "/boot/vmlinuz-$(uname -r)" ]; then
	PACKAGES=$(echo "$PACKAGES" | sed 's/linux-image-cloud-amd64//')
fi

# shellcheck disable=SC2086 # a list of words
if ! dpkg -s $PACKAGES >/dev/null 2>&1; then
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -q
	apt-get install -q -y --no-install-recommends $PACKAGES
fi

# CRI is Kubernetes' way in; nothing here uses it, and it slows the start.
# Which OCI runtime runs a container is said by the client that makes it.
config=$(mktemp)
cat >"$config" <<'TOML'
version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri"]
TOML
if ! cmp -s "$config" /etc/containerd/config.toml; then
	mkdir -p /etc/containerd
	install -m 0644 "$config" /etc/containerd/config.toml
	# Debian starts the daemon at installation, so a running one must re-read.
	if [ -d /run/systemd/system ]; then
		systemctl restart containerd
	fi
fi
rm -f "$config"
systemctl enable -q containerd
