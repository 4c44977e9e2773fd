// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"path"
	"slices"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// A drift is a way in which a converged node goes wrong, and what a run does about it.
type drift struct {
	name  string
	class node.Drift
	// make causes the drift, in bash.
	make string
	// flags are added to every run of the case.
	flags []string
	// exit is the exit status of a dry run: 2 if a run mends the drift. If only
	// people can mend it, a run exits with the same status, and undo mends it.
	exit int
	undo string
	// proves says that a run finds the drift gone when it looks again, though
	// nothing of it is pending.
	proves bool
	// says must be in the dry run's report.
	says string
	// mends are the files that a run changes, or directories in which it changes
	// files. restarts allows the state of Falco's unit to change, others that of
	// more units.
	mends    []string
	restarts bool
	others   []string
}

// onlyPeople reports whether no run mends the drift.
func (d drift) onlyPeople() bool { return d.exit != 2 && !d.proves }

const (
	unitFiles = "/etc/systemd/system"
	repoFile  = "/etc/yum.repos.d/falcosecurity.repo"
	dropIn    = unitFiles + "/" + modernUnit + ".d/50-falco-bootstrap.conf"
)

// overrulingPath is a drop-in of somebody's that systemd reads after the agent's.
const overrulingPath = unitFiles + "/" + modernUnit + ".d/90-site.conf"

// overrulingDropIn writes a drop-in of somebody's that is older than the running process.
func overrulingDropIn(content string) string {
	return "printf '" + content + "' >" + overrulingPath + "; touch -d yesterday " + overrulingPath + "; systemctl daemon-reload"
}

const noOverruling = "rm " + overrulingPath + "; systemctl daemon-reload"

// packageFiles are the files that a transaction with Falco's package changes.
var packageFiles = []string{
	"/var/lib/rpm", "/var/lib/dnf", "/var/cache/dnf", "/var/log/dnf.log", "/var/log/dnf.rpm.log", "/var/log/dnf.librepo.log",
	"/var/log/hawkey.log", "/etc/falco", "/etc/falcoctl", "/usr/share/falco", "/usr/bin/falco", "/usr/bin/falcoctl",
	"/usr/lib/systemd/system", unitFiles, "/run/dnf", "/var/lib/dkms", "/usr/src",
	"/tmp/any", "/var/any", // dnf and rpm touch the directories themselves
}

// drifts returns drifts that are made one after the other on one node that runs the
// modern probe. Few of them need dnf, which takes seconds.
func drifts() []drift {
	return slices.Concat(configDrifts(), unitDrifts(), packageDrifts(), trustDrifts(), fileDrifts())
}

func configDrifts() []drift {
	return []drift{
		{
			name: "a declared key of falco.yaml edited", class: node.DriftConfigEdited, exit: 2,
			make:  `sed -i 's|^  filename: /var/log/falco.log|  filename: /tmp/elsewhere.log|' /etc/falco/falco.yaml`,
			says:  "-  filename: /tmp/elsewhere.log\\n+  filename: /var/log/falco.log",
			mends: []string{falcoYAML}, restarts: true,
		},
		{
			name: "a fragment overrules a declared key", class: node.DriftConfigOverruled, exit: 6,
			make: `printf '# of this site\nfile_output:\n  enabled: false\n' >/etc/falco/config.d/50-site.yaml; touch -d yesterday /etc/falco/config.d/50-site.yaml`,
			says: "/etc/falco/config.d/50-site.yaml:3",
			undo: "rm /etc/falco/config.d/50-site.yaml",
		},
		{
			name: "a drop-in overrules the log's mode", class: node.DriftConfigOverruled, exit: 6,
			make: overrulingDropIn(`[Service]\n# of this site\nUMask=0022\n`),
			says: overrulingPath + ":3 overrules falco-bootstrap's drop-in with UMask=0022",
			undo: noOverruling,
		},
		{
			name: "a file of an environment overrules a library that Falco needs", class: node.DriftConfigOverruled, exit: 6,
			make: `echo LD_PRELOAD=/opt/agent.so >/etc/falco-site.env; ` + overrulingDropIn(`[Service]\nEnvironmentFile=/etc/falco-site.env\n`),
			says: overrulingPath + ":2 overrules falco-bootstrap's drop-in with EnvironmentFile=/etc/falco-site.env, which sets LD_PRELOAD=/opt/agent.so",
			undo: "rm /etc/falco-site.env; " + noOverruling,
		},
		{
			name: "a drop-in has Falco read another file", class: node.DriftConfigOverruled, exit: 6,
			make: overrulingDropIn(`[Service]\nEnvironment=CONFIG=/etc/site.yaml\nExecStart=\nExecStart=/usr/bin/falco -c ${CONFIG}\n`),
			says: overrulingPath + ":4 has Falco read /etc/site.yaml (-c) and not /etc/falco/falco.yaml",
			undo: noOverruling,
		},
		{
			name: "an option of a drop-in overrules a declared key", class: node.DriftConfigOverruled, exit: 6,
			make: overrulingDropIn(`[Service]\nExecStart=\nExecStart=/usr/bin/falco --option=file_output.enabled=false\n`),
			says: overrulingPath + ":3",
			undo: noOverruling,
		},
		{
			name: "an editor's leftover in config.d", class: node.DriftConfigStray,
			make: `echo 'priority: debug' >/etc/falco/config.d/50-site.yaml.bak; touch -d yesterday /etc/falco/config.d/50-site.yaml.bak`,
			says: "/etc/falco/config.d/50-site.yaml.bak",
			undo: "rm /etc/falco/config.d/50-site.yaml.bak",
		},
		{
			name: "declared rules that Falco does not load", class: node.DriftRulesUnloaded, exit: 6, flags: []string{"--rules-file=site=/srv/site.yaml"},
			make: `cp -a /etc/falco/falco.yaml /srv/falco.yaml; sed -i '/^  - .etc.falco.rules.d/d' /etc/falco/falco.yaml; touch -d yesterday /etc/falco/falco.yaml
				printf 'rules_files: [/etc/falco/falco_rules.yaml]\n' >/etc/falco/config.d/50-site.yaml; touch -d yesterday /etc/falco/config.d/50-site.yaml
				printf -- '- list: site\n  items: []\n' >/srv/site.yaml`,
			says: "rules_files is decided by /etc/falco/config.d/50-site.yaml:1",
			undo: "rm /etc/falco/config.d/50-site.yaml; mv /srv/falco.yaml /etc/falco/falco.yaml",
		},
		{
			// The case before has declared it.
			name: "rules that are no longer declared", class: node.DriftRules, exit: 2,
			make: "touch -d yesterday /etc/falco/rules.d/50-falco-bootstrap-site.yaml", says: "no longer declared",
			mends: []string{"/etc/falco/rules.d/50-falco-bootstrap-site.yaml"}, restarts: true,
		},
		{
			name: "rules newer than the process", class: node.DriftConfigStale, exit: 2,
			make: "echo >>/etc/falco/falco_rules.yaml", says: "/etc/falco/falco_rules.yaml is not what the process has read",
			restarts: true,
		},
		{
			name: "rules that Falco would refuse", class: node.DriftConfigBroken, exit: 6,
			make: `size() { stat -c %s /var/log/falco.log; }; was=$(size); cp -p /etc/falco/falco_rules.local.yaml /run/
				printf -- '- rule: X\n  desc: x\n  condition: nosuch.field = 1\n  output: x\n  priority: INFO\n' >/etc/falco/falco_rules.local.yaml; ` + wroteLog,
			says: "nosuch.field", undo: "mv /run/falco_rules.local.yaml /etc/falco/", restarts: true,
		},
	}
}

// wroteLog waits until Falco has written to its log, which it also does when it
// cannot read its configuration again.
const wroteLog = "for ((i = 0; i < 100; i++)); do [ \"$(size)\" = \"$was\" ] || break; sleep 0.1; done"

func unitDrifts() []drift {
	return []drift{
		{
			name: "stopped, and a directory of the package hardened", class: node.DriftUnitStopped, exit: 2,
			make: "systemctl stop " + modernUnit + "; chmod 700 /usr/share/falco; chmod 750 /usr/bin/falco; echo '/ 404' >/etc/falco-standin/http",
			undo: "chmod 755 /usr/share/falco /usr/bin/falco; rm /etc/falco-standin/http",
			says: `"from": "stopped"`, restarts: true,
		},
		{
			// A drop-in of this boot only.
			name: "failed", class: node.DriftUnitFailed, exit: 2,
			make: `d=/run/systemd/system/falco-modern-bpf.service.d; mkdir -p $d; printf '[Service]\nRestart=no\n' >$d/no.conf; systemctl daemon-reload
				systemctl kill --signal KILL falco-modern-bpf; until systemctl is-failed --quiet falco-modern-bpf; do sleep 0.1; done
				rm -r $d; systemctl daemon-reload`,
			says: `"from": "failed"`, restarts: true,
		},
		{
			name: "crashes repeatedly", class: node.DriftUnitCrashLoop, exit: 2,
			make: `d=/run/systemd/system/falco-modern-bpf.service.d; mkdir -p $d; printf '[Service]\nRestartSec=300\n' >$d/slow.conf; systemctl daemon-reload
				systemctl kill --signal KILL falco-modern-bpf; until [ "$(systemctl show --value -p SubState falco-modern-bpf)" = auto-restart ]; do sleep 0.1; done`,
			undo: `rm -r /run/systemd/system/falco-modern-bpf.service.d; systemctl daemon-reload`,
			says: "crash-looping", restarts: true,
		},
		{
			name: "stopped by a signal", class: node.DriftUnitFrozen, exit: 2,
			make: "systemctl kill --kill-who=main --signal=STOP " + modernUnit + "; sleep 0.1", says: `"from": "stopped by a signal"`, restarts: true,
		},
		{name: "masked", class: node.DriftUnitMasked, exit: 2, make: "systemctl mask " + modernUnit, says: `"action": "unmask"`, mends: []string{unitFiles}, restarts: true, others: []string{"falco.service"}},
		{name: "disabled", class: node.DriftUnitDisabled, exit: 2, make: "systemctl disable " + modernUnit, says: `"action": "enable"`, mends: []string{unitFiles}, restarts: true, others: []string{"falco.service"}},
		{
			name: "another Falco unit enabled and running", class: node.DriftUnitExtra, exit: 2,
			make: `ln -s /usr/lib/systemd/system/falco-custom.service /etc/systemd/system/multi-user.target.wants/
				d=/run/systemd/system/falco-custom.service.d; mkdir -p $d; printf '[Service]\nEnvironment=LD_PRELOAD=/lib64/libresolv.so.2\n' >$d/preload.conf
				systemctl daemon-reload; systemctl start falco-custom; sleep 0.3; systemctl is-active falco-custom`,
			undo: `rm -r /run/systemd/system/falco-custom.service.d; systemctl daemon-reload`,
			says: `"unit": "falco-custom.service"`, mends: []string{unitFiles + "/multi-user.target.wants/falco-custom.service"}, others: []string{"falco-custom.service"},
		},
		{
			name: "a Falco made by hand where the alias belongs", class: node.DriftUnitExtra, exit: 2,
			make: `systemctl disable --now falco-modern-bpf; cat >/etc/systemd/system/falco.service <<-'END'
				[Service]
				Environment=LD_PRELOAD=/lib64/libresolv.so.2
				ExecStart=/usr/bin/falco
				[Install]
				WantedBy=multi-user.target
				END
				systemctl daemon-reload; systemctl enable --now falco.service; sleep 0.3; systemctl is-active falco`,
			says: `falco.service is not another name of falco-modern-bpf.service`, mends: []string{unitFiles}, restarts: true, others: []string{"falco.service"},
			undo: `rm /etc/systemd/system/falco.service; systemctl daemon-reload`,
		},
		{
			name: "falco.service is another unit", class: node.DriftUnitAlias, exit: 2,
			make: `ln -sf /usr/lib/systemd/system/falco-custom.service /etc/systemd/system/falco.service; systemctl daemon-reload`,
			says: "falco-custom.service", mends: []string{unitFiles}, others: []string{"falco.service", "falco-custom.service"},
		},
		{
			name: "a unit file that systemd has not read", class: node.DriftUnitReload, exit: 2,
			make: `printf '[Service]\nNice=5\n' >/etc/systemd/system/falco-modern-bpf.service.d/10-site.conf`,
			says: `"action": "daemon-reload"`, restarts: true,
			undo: `rm /etc/systemd/system/falco-modern-bpf.service.d/10-site.conf; systemctl daemon-reload`,
		},
		{
			name: "falcoctl replaces rules by itself", class: node.DriftFollow, exit: 2,
			make: "systemctl unmask " + followUnit + "; systemctl start " + followUnit, says: followUnit,
			mends: []string{unitFiles}, others: []string{followUnit},
		},
		{
			name: "a Falco in a container", class: node.DriftSecondFalco,
			make: "systemd-run --quiet --slice=kubepods-pod1.slice --unit=cri-falco --setenv=LD_PRELOAD=/lib64/libresolv.so.2 /usr/bin/falco -o webserver.enabled=false; sleep 0.5",
			says: "another Falco runs in a container", undo: "systemctl stop cri-falco",
		},
		{
			name: "a Falco under a unit of somebody's", class: node.DriftSecondFalco,
			make: "systemd-run --quiet --unit=cks-falco --setenv=LD_PRELOAD=/lib64/libresolv.so.2 /usr/bin/falco -o webserver.enabled=false; sleep 0.5",
			says: "/usr/bin/falco, of cks-falco.service): every event is reported twice", undo: "systemctl stop cks-falco",
		},
		{
			name: "a Falco under no unit of Falco's", class: node.DriftSecondFalco,
			make: "LD_PRELOAD=/lib64/libresolv.so.2 setsid /usr/bin/falco -o webserver.enabled=false </dev/null >/dev/null 2>&1 & echo $! >/dev/shm/second; sleep 0.5",
			says: "another Falco runs on this node (process ", undo: "kill $(cat /dev/shm/second)",
		},
		{
			name: "not seen to detect", class: node.DriftUnproven, exit: 7, proves: true,
			make: `sed -i 's/"detected":true/"detected":false/' /var/lib/falco-bootstrap/proof.json`,
			says: modernUnit + " is running but wrote no alert to /var/log/falco.log", mends: []string{"/var/log/falco.log"},
		},
	}
}

func packageDrifts() []drift {
	return []drift{
		{
			name: "upgraded by somebody, who left an edited falco.yaml aside", class: node.DriftConfigReplaced, exit: 2,
			make:     `sed -i 's/^json_output: false/json_output: true/' /etc/falco/falco.yaml; rpm -U --nodeps --quiet /srv/www/falco/0.45.0/falco-*.rpm >/dev/null 2>&1; [ -e /etc/falco/falco.yaml.rpmsave ]`,
			says:     "no longer in force: json_output=true",
			mends:    []string{falcoYAML, unitFiles},
			restarts: true, others: []string{followUnit, "falco.service"},
			undo: "rm /etc/falco/falco.yaml.rpmsave",
		},
		{
			name: "newer than the pin", class: node.DriftVersion, exit: 2, flags: []string{"--falco-version=0.44.1"},
			make: "rpm -q falco-0.45.0", says: "pinned to 0.44.1",
			mends: packageFiles, restarts: true, others: []string{followUnit, "falco.service"},
		},
		{
			name: "older than the pin", class: node.DriftVersion, exit: 2, flags: []string{"--falco-version=0.44.1"},
			make: "rpm -U --oldpackage --nodeps --quiet /srv/www/falco/0.41.3/falco-*.rpm >/dev/null 2>&1; rpm -q falco-0.41.3", says: "pinned to 0.44.1",
			mends: packageFiles, restarts: true, others: []string{followUnit, "falco.service", "falco-bpf.service"},
		},
		{
			name: "signed by a key that is not pinned", class: node.DriftSigner, exit: 2,
			make:  "rpm -U --replacepkgs --quiet /srv/www/falco/othersigned/falco-*.rpm >/dev/null 2>&1; rm -rf /etc/falco/*.rpmnew; rpm -q falco-0.44.1",
			says:  "falco-0.44.1-1.x86_64 was not signed by a pinned key",
			mends: packageFiles, restarts: true, others: []string{followUnit, "falco.service"},
		},
		{
			name: "files missing and altered", class: node.DriftFiles, exit: 2,
			// Falco logs that it cannot read the file again.
			make: `size() { stat -c %s /var/log/falco.log; }; was=$(size); rm /usr/share/falco/plugins/libcontainer.so /etc/falco/falco.yaml; echo >>/usr/bin/falcoctl; rm /etc/falco/falco_rules.yaml /etc/falco/config.d/falco.container_plugin.yaml; chmod 700 /usr/share/falco
				` + wroteLog,
			says:  "/etc/falco/falco_rules.yaml is missing, /usr/bin/falcoctl is altered",
			mends: packageFiles, restarts: true, others: []string{followUnit, "falco.service"},
		},
	}
}

func trustDrifts() []drift {
	const keyFile = "/etc/pki/rpm-gpg/RPM-GPG-KEY-falcosecurity"
	rpmdb := []string{"/var/lib/rpm"}
	fetched := []string{"/var/lib/rpm", keyFile}
	edit := func(name, script, says string) drift {
		return drift{name: name, class: node.DriftRepository, exit: 2, make: "sed -i '" + script + "' " + repoFile, says: says, mends: []string{repoFile}}
	}
	// dead makes a key with Falco's user ID with gpg and imports it.
	dead := func(name string, class node.Drift, generate string) drift {
		return drift{
			name: name, class: class, exit: 2, says: "remove-key", mends: rpmdb,
			make: `export GNUPGHOME=$(mktemp -d -p /dev/shm); key="Falcosecurity Package Signing <dead@falco.test>"
				gen() { gpg --batch --quiet "${@:2}" --passphrase "" --pinentry-mode loopback --quick-generate-key "$key" rsa2048 sign "$1"; }
				{ ` + generate + `; } 2>/dev/null; gpg --batch --armor --export >$GNUPGHOME/key.asc; rpm --import $GNUPGHOME/key.asc; gpgconf --kill all; rm -rf $GNUPGHOME`,
		}
	}
	return []drift{
		edit("signatures are not checked", "s/^gpgcheck=1/gpgcheck=0/", "-gpgcheck=0\\n+gpgcheck=1"),
		edit("packages from elsewhere", "s|^baseurl=.*|baseurl=https://mirror.test/falco|", "-baseurl=https://mirror.test/falco"),
		edit("repository disabled", "s/^enabled=1/enabled=0/", "-enabled=0\\n+enabled=1"),
		{
			name: "the section in another file too", class: node.DriftRepositoryTwice, exit: 2,
			make: `printf '[other]\nname=x\nbaseurl=http://x\nenabled=0\n\n[falcosecurity-rpm]\nname=x\nbaseurl=http://x\ngpgcheck=0\n' >/etc/yum.repos.d/aaa.repo`,
			says: "/etc/yum.repos.d/aaa.repo", mends: []string{"/etc/yum.repos.d/aaa.repo"},
			undo: "rm /etc/yum.repos.d/aaa.repo",
		},
		{
			name: "key not in rpm's database", class: node.DriftKeyMissing, exit: 2,
			make: `rpm -e $(rpm -qa --qf '%{name}-%{version}-%{release} %{summary}\n' gpg-pubkey | awk '/falco@/ {print $1}')`, says: "import-key", mends: fetched,
		},
		{name: "copy of the key gone", class: node.DriftKeyMissing, exit: 2, make: "rm " + keyFile, says: keyFile + " is missing", mends: fetched},
		dead("an expired key of Falco's", node.DriftKeyExpired, "gen 1y --faked-system-time 20200101T000000!"),
		dead("a revoked key of Falco's", node.DriftKeyRevoked, `gen 3y; sed -i "s/^:---/---/" $GNUPGHOME/openpgp-revocs.d/*.rev; gpg --batch --import $GNUPGHOME/openpgp-revocs.d/*.rev`),
		{name: "the pinned key ends soon", class: node.DriftKeyExpiring, flags: []string{"--warn-days=3000"}, make: "true", undo: "true", says: "the last pinned key expires in"},
		{
			name: "EPEL left on", class: node.DriftEPEL, exit: 2,
			make: `sed -i 's/^enabled=0/enabled=1/' /etc/yum.repos.d/oracle-epel-ol8.repo`, says: "-enabled=1\\n+enabled=0",
			mends: []string{"/etc/yum.repos.d/oracle-epel-ol8.repo"},
		},
	}
}

func fileDrifts() []drift {
	const rotation = "/etc/logrotate.d/falco-bootstrap"
	return []drift{
		{name: "drop-in gone", class: node.DriftPreloadMissing, exit: 2, make: "rm -r $(dirname " + dropIn + ")", says: dropIn, mends: []string{path.Dir(dropIn)}, restarts: true},
		{name: "drop-in edited", class: node.DriftPreloadStale, exit: 2, make: "sed -i 's/LD_PRELOAD=.*/LD_PRELOAD=/' " + dropIn, says: dropIn, mends: []string{dropIn}, restarts: true},
		{
			name: "drop-in no longer needed", class: node.DriftPreloadStale, exit: 2,
			make: "mkdir -p /etc/systemd/system/falco-kmod.service.d; cp " + dropIn + " /etc/systemd/system/falco-kmod.service.d/; systemctl daemon-reload",
			says: "no longer needed", mends: []string{unitFiles + "/falco-kmod.service.d"}, others: []string{"falco-kmod.service"},
		},
		{name: "everybody may read the log", class: node.DriftLogMode, exit: 2, make: "chmod 644 /var/log/falco.log", says: `"from": "0644"`, mends: []string{"/var/log/falco.log"}},
		{
			name: "log moved from under a Falco that keeps it open", class: node.DriftLogMoved, exit: 2,
			make: `printf 'file_output: {enabled: true, keep_alive: true, filename: /var/log/falco.log}\n' >/etc/falco/config.d/50-keep.yaml
				systemctl restart ` + modernUnit + `; size() { stat -c %s /var/log/falco.log; }; was=$(size)
				for ((i = 0; i < 300; i++)); do cat /etc/shadow >/dev/null; sleep 0.1; [ "$(size)" = "$was" ] || break; done; mv /var/log/falco.log /var/log/falco.log.moved`,
			says: "/var/log/falco.log.moved", mends: []string{"/var/log/falco.log", "/var/log/falco.log.moved"}, restarts: true,
			undo: "rm /etc/falco/config.d/50-keep.yaml /var/log/falco.log.moved; systemctl restart " + modernUnit,
		},
		{
			name: "no room for alerts", class: node.DriftLogNoRoom, exit: 7,
			make: `mkdir /run/full; mount -t tmpfs -o size=4k tmpfs /run/full; head -c 8192 /dev/zero >/run/full/falco.log 2>/dev/null || true
				chmod 600 /run/full/falco.log; mount --bind /run/full/falco.log /var/log/falco.log
				systemctl restart ` + modernUnit + ` # it sees the mounts that were there when it started`,
			says: "the file system of /var/log/falco.log is full", undo: "umount /var/log/falco.log; systemctl restart " + modernUnit + "; umount /run/full; rmdir /run/full",
		},
		{name: "no rotation", class: node.DriftLogrotate, exit: 2, make: "rm " + rotation, says: rotation, mends: []string{path.Dir(rotation)}},
	}
}

// moduleDrifts are made on a node that runs the kernel module.
func moduleDrifts() []drift {
	return []drift{
		{
			name: "dkms gone", class: node.DriftDependencies, exit: 2, make: "rpm -e --nodeps dkms",
			says: `"name": "dkms"`, mends: append(packageFiles, "/usr/sbin/dkms", "/usr/bin/dkms", "/etc/dkms", "/usr/lib/dkms"),
		},
		{
			name: "module gone", class: node.DriftModule, exit: 2,
			make: "find /lib/modules /usr/lib/modules /var/lib/dkms -name 'falco.ko*' -delete", says: "build-module",
			mends: []string{"/var/lib/dkms", "/lib/modules", "/usr/lib/modules", "/etc/falcoctl", "/etc/falco", unitFiles}, restarts: true,
		},
	}
}
