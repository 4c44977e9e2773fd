// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import "slices"

// withPackages are the scenarios that fetch and install.
const withPackages = "first run, version"

// faults is the table of single faults.
func faults() []fault {
	return slices.Concat(networkFaults(), trustFaults(), diskFaults(), neighbourFaults(), environmentFaults(), clockFaults(), systemFaults())
}

// answered is a fault of the node's web server.
func answered(name, line string, exits ...int) fault {
	return fault{
		family: "network", name: name, in: withPackages, flags: []string{"--timeout=18s"}, exits: exits,
		on: "echo '" + line + "' >/etc/falco-standin/http", off: "rm -f /etc/falco-standin/http",
	}
}

func networkFaults() []fault {
	return []fault{
		{family: "network", name: "refused", in: withPackages, on: "systemctl stop node-server", off: "systemctl start node-server", flags: []string{"--timeout=18s"}, exits: []int{5}},
		{family: "network", name: "no route", in: withPackages, flags: []string{"--timeout=18s", "--repository-baseurl=http://192.0.2.1/", "--repository-gpgkey=http://192.0.2.1/key"}, exits: []int{5}},
		{family: "network", name: "no TLS where https is asked for", in: withPackages, flags: []string{"--timeout=18s", "--repository-baseurl=https://127.0.0.1:8089/falco/0.44.1"}, exits: []int{5}},
		answered("the repository hangs", "/falco/ hang", 5),
		answered("the repository drips", "/falco/ drip", 5),
		answered("the repository answers 404", "/falco/ 404", 5),
		answered("the repository answers 500", "/falco/ 500", 5),
		answered("a page of HTML in place of the metadata", "/falco/ html", 5),
		answered("empty answers of the repository", "/falco/ empty", 5),
		answered("the repository redirects to itself", "/falco/ loop", 5),
		answered("the metadata has no end", "/falco/ endless", 5),
		answered("the repository hangs up", "/falco/ reset", 5),
		answered("the metadata is cut short", "/falco/ truncate", 4, 5),
	}
}

func trustFaults() []fault {
	at := func(dir string) []string { return []string{"--repository-baseurl=" + www + "/falco/" + dir} }
	return []fault{
		{family: "trust", name: "packages that another signed", in: "first run", flags: at("othersigned"), exits: []int{4}},
		{family: "trust", name: "packages that nobody signed", in: "first run", flags: at("unsigned"), exits: []int{4}},
		{family: "trust", name: "packages of an expired key", in: "first run", flags: at("expiredsigned"), exits: []int{4}},
		{family: "trust", name: "packages of a revoked key", in: "first run", flags: at("revokedsigned"), exits: []int{4}},
		{family: "trust", name: "metadata with a bad signature", in: "first run", flags: at("badmetadata"), exits: []int{4}},
		{family: "trust", name: "another key is served", in: "first run", flags: []string{"--repository-gpgkey=" + www + "/keys/other.asc"}, exits: []int{4}},
		{family: "trust", name: "a page of HTML in place of the key", in: "first run", on: "echo '/keys/ html' >/etc/falco-standin/http", off: "rm /etc/falco-standin/http", exits: []int{4, 5}},
	}
}

// sized bounds how much the layer may grow. A size of zero would be no bound.
func sized(size string) fault {
	return fault{
		family: "disk", name: "room for " + size + " more", on: "size=$(($(df -k --output=used /mnt | tail -1) + " + size + ")); mount -o remount,size=$((size > 4 ? size : 4))k /mnt",
		off: "mount -o remount,size=50% /mnt",
	}
}

func diskFaults() []fault {
	readOnly := func(dir string) fault {
		return fault{family: "disk", name: dir + " is read-only", on: "mount -o remount,ro,bind /" + dir, off: "mount -o remount,rw,bind /" + dir}
	}
	var all []fault
	for _, size := range []string{"0", "4", "16", "64", "256", "1024", "4096", "16384", "32768"} {
		all = append(all, sized(size))
	}
	full := "mount -t tmpfs -o size=4k tmpfs /tmp; head -c 8k /dev/zero >/tmp/filler || true"
	return append(all, readOnly("etc"), readOnly("var"), readOnly("usr"), fault{family: "disk", name: "/tmp is full", on: full, off: "umount -l /tmp", exits: []int{0, 5}})
}

// holdRPMLock is bash that starts the unit holder, and waits until that has the lock of
// rpm's transactions.
const holdRPMLock = `rm -f /run/held; systemd-run --quiet --collect --unit=holder python3 -c '
import fcntl, time
f = open("/var/lib/rpm/.rpm.lock", "a+")
fcntl.lockf(f, fcntl.LOCK_EX)
open("/run/held", "w")
time.sleep(600)'
until [ -e /run/held ]; do sleep 0.02; done`

func neighbourFaults() []fault {
	const freed = "systemctl stop holder"
	return []fault{
		{family: "neighbours", name: "rpm's lock is held", in: withPackages, on: holdRPMLock, off: freed, flags: []string{"--timeout=20s"}, exits: []int{5}},
		{family: "neighbours", name: "a second run at the same time", prefix: "sh -c '\"$@\" >/dev/null 2>&1 & exec \"$@\"; wait' sh", exits: []int{0, 8}, off: "while pgrep -x falco-bootstrap; do sleep 0.1; done"},
		{
			family: "neighbours", name: "dnf is killed", in: withPackages, exits: []int{0, 5},
			on: "systemd-run --quiet --collect --unit=killer bash -c 'until pkill -KILL -x \"dnf|dnf-3\"; do sleep 0.05; done'", off: "systemctl stop killer 2>/dev/null || true",
		},
		{
			family: "neighbours", name: "dnf is interrupted", in: withPackages, exits: []int{0},
			on: "systemd-run --quiet --collect --unit=killer bash -c 'until pkill -INT -x \"dnf|dnf-3\"; do sleep 0.05; done'", off: "systemctl stop killer 2>/dev/null || true",
		},
		{
			family: "neighbours", name: "rpm's own commands hang on a lock that ends", in: withPackages, exits: []int{0},
			on: holdRPMLock + "; systemd-run --quiet --collect --on-active=4 systemctl stop holder", off: "systemctl stop holder 2>/dev/null || true",
		},
	}
}

func environmentFaults() []fault {
	with := func(name, prefix string, exits ...int) fault {
		return fault{family: "environment", name: name, prefix: prefix, exits: exits}
	}
	return []fault{
		with("umask 777", "umask 777;", 0),
		with("umask 0", "umask 0;", 0),
		with("no PATH", "env -u PATH", 0),
		with("a PATH that leads nowhere", "env PATH=/nowhere", 0),
		with("no environment", "env -i", 0),
		with("LD_PRELOAD of a library that is not there", "env LD_PRELOAD=/nowhere.so", 0),
		with("a locale that is not there", "env LC_ALL=tlh_QO.UTF-8 LANG=x", 0),
		with("HOME that is not there", "env HOME=/nowhere", 0),
		with("TMPDIR that is not there", "env TMPDIR=/nowhere", 0),
		with("closed standard input", "exec 0<&-;", 0),
		with("closed standard output", "exec 1>&-;", 0, 1),
		with("closed standard error", "exec 2>&-;", 0),
		with("all three closed", "exec 0<&- 1>&- 2>&-;", 0, 1),
		{family: "environment", name: "/dev/full for output", prefix: "exec >/dev/full 2>/dev/full;", exits: []int{0, 1}, mute: true},
		with("output that nobody reads", "exec > >(exec true) 2>&1;", 0, 1),
		with("a working directory that is gone", "mkdir /tmp/fb-gone; cd /tmp/fb-gone; rmdir /tmp/fb-gone;", 0),
		with("10 open files", "ulimit -n 10;", 0, 1, 5, 6, 7),
		with("no core, no stack to speak of", "ulimit -c 0; ulimit -s 256;", 0, 5),
		with("files of 4 KiB at most", "ulimit -f 4;"),
		with("32 MiB of memory", "systemd-run --quiet --pipe --wait --collect -p MemoryMax=32M -p MemorySwapMax=0"),
		with("SIGTERM ignored", "trap '' TERM;", 0),
		with("SIGPIPE ignored", "trap '' PIPE;", 0),
		with("niced and starved", "nice -n 19", 0),
	}
}

func clockFaults() []fault {
	// A fake clock, for the agent and its children: the node shares the kernel's.
	at := func(name, when string) fault {
		return fault{family: "clock", name: name, on: "find /etc/falco /etc/systemd/system /etc/yum.repos.d -exec touch -h -d '" + when + "' {} + 2>/dev/null || true", exits: []int{0}}
	}
	return []fault{
		at("every file of the future", "2038-01-01"),
		at("every file of 1970", "1970-01-02"),
		{family: "clock", name: "the log is of the future", on: "touch -d 2038-01-01 " + falcoLog, exits: []int{0}},
	}
}

func systemFaults() []fault {
	return []fault{
		{
			family: "systemd", name: "dbus-daemon is stopped by a signal", on: "pkill -STOP -x dbus-daemon", off: "pkill -CONT -x dbus-daemon",
			flags: []string{"--timeout=20s"}, exits: []int{1}, says: "connecting to systemd: ",
		},
		{
			family: "systemd", name: "a start job that does not end", in: "first run, drift", stops: true, exits: []int{7}, flags: []string{"--timeout=60s"}, says: "show what it waits for",
			on:  "mkdir -p /run/systemd/system/" + modernUnit + ".d; printf '[Service]\\nExecStartPre=/bin/sleep 1000\\nTimeoutStartSec=infinity\\n' >/run/systemd/system/" + modernUnit + ".d/90-test.conf; systemctl daemon-reload; systemctl stop " + modernUnit + " || true",
			off: "rm -r /run/systemd/system/" + modernUnit + ".d; systemctl daemon-reload; systemctl stop " + modernUnit + " || true; systemctl reset-failed",
		},
		{
			family: "systemd", name: "a start job that fails", in: "first run, drift", stops: true, exits: []int{7},
			on:  "mkdir -p /run/systemd/system/" + modernUnit + ".d; printf '[Service]\\nExecStartPre=/bin/false\\n' >/run/systemd/system/" + modernUnit + ".d/90-test.conf; systemctl daemon-reload",
			off: "rm -r /run/systemd/system/" + modernUnit + ".d; systemctl daemon-reload; systemctl reset-failed",
		},
		{
			family: "systemd", name: "Falco crashes", in: "first run, drift", stops: true, exits: []int{7},
			on: ": >/etc/falco-standin/crash", off: "rm /etc/falco-standin/crash; systemctl reset-failed",
		},
	}
}
