#!/bin/sh
# Makes the provisioned system a guest of QEMU's user network that boots fast.
# It is run once, as root, in a chroot of the disk that is being built.
set -eu

echo ingot-vm >/etc/hostname
printf '127.0.0.1 localhost ingot-vm\n::1 localhost\n' >/etc/hosts
echo '/dev/vda / ext4 defaults,noatime 0 1' >/etc/fstab

# The addresses are QEMU's fixed ones: no DHCP to wait for.
cat >/etc/systemd/network/10-user.network <<'NETWORK'
[Match]
Name=en* eth*
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
LinkLocalAddressing=no
IPv6AcceptRA=no
NETWORK

# Emulated CPUs make each login step dear. PAM would add a logind session and
# two D-Bus calls to each; DNS would look up the caller.
cat >/etc/ssh/sshd_config.d/ingot.conf <<'SSHD'
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM no
UseDNS no
PrintMotd no
MaxSessions 100
MaxStartups 100
SSHD

# Each start of the machine is its first: work for a long life is left out.
systemctl mask -q \
	apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
	e2scrub_all.timer e2scrub_reap.service fstrim.timer \
	systemd-tmpfiles-clean.timer systemd-networkd-wait-online.service \
	systemd-timesyncd.service systemd-firstboot.service \
	getty@tty1.service serial-getty@ttyS0.service
systemctl enable -q systemd-networkd ssh

# Errors of the kernel reach the serial console, where a failed start is looked
# into; each OOM kill's long report would only slow the guest down there.
mkdir -p /etc/sysctl.d
echo 'kernel.printk = 4 4 1 7' >/etc/sysctl.d/10-console.conf
