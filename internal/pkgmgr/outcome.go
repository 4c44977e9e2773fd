// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"regexp"
	"slices"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// How often a transaction may be tried in all, by what kind of failure it is.
const (
	permanent = 1  // waiting does not mend it
	maybe     = 2  // fresh metadata may mend it
	killed    = 3  // memory may be free again
	transient = 4  // a server or network that does not answer
	unnamed   = 5  // a name server that is not up yet
	locked    = 20 // another transaction
)

// An outcome is a row of the table of failures: the words by which dnf or yum
// tells it, and what it means.
type outcome struct {
	// name is the row's own, for the tests and the code.
	name string
	// line matches the words in the whole output, of which each line is one line.
	// Its groups repo, package and detail say whose failure it is.
	line *regexp.Regexp
	code node.Code
	// tries is one of permanent to locked.
	tries int
	// what is the cause in a few words, with $repo, $package and $detail.
	what string
	// hint may use them too.
	hint hint
}

// A hint is what an operator can do: about Falco's own packages and repository,
// which the settings declare, and about others'. other is the same as own where
// it is empty.
type hint struct{ own, other string }

// Hints that several rows share.
var (
	hintNone    = hint{}
	hintAddress = hint{
		own:   "check repository.baseurl and the proxy",
		other: "$repo is not Falco's repository: see its baseurl= in the repository files (dnf repolist -v $repo), and its mirror",
	}
	hintServer = hint{
		own:   hintNet,
		other: "$repo is not Falco's repository, so repository.baseurl does not change it: see its baseurl= in the repository files, and whether this node reaches that server (proxy= of dnf.conf, https_proxy)",
	}
	hintMirror = hint{own: "if it happens again, the mirror is inconsistent: use another one"}
	hintSigner = hint{
		own:   hintKeys,
		other: "$repo is not Falco's repository, and repository.fingerprints are not its keys: see its gpgkey= in the repository files, and who signs its packages (rpm -K). Nothing was installed",
	}
	hintMissing  = hint{own: hintPin, other: "enable the repository that has $package, see dnf --enablerepo='*' --showduplicates list $package"}
	hintExcluded = hint{
		own:   "take falco out of exclude= and includepkgs= (dnf.conf and the repository files) or out of the version lock (dnf versionlock list), or pin a version that they allow",
		other: "take $package out of exclude= and includepkgs= (dnf.conf and the repository files), or out of the version lock (dnf versionlock list)",
	}
	hintProxy   = hint{own: "see proxy= of dnf.conf and of the repository, and https_proxy in the environment"}
	hintFull    = hint{own: hintSpace}
	hintBusy    = hint{own: hintLock}
	hintTLS     = hint{own: hintCA + "; a proxy that opens TLS needs its CA there"}
	hintRelated = hint{own: hintDeps}
)

// Hints that fetches and transactions share.
const (
	hintPin   = "list the versions that exist (dnf --showduplicates list falco), and pin one of them or none"
	hintKeys  = "find out which key signs this repository now; if Falco has rotated its key, pin the new one in repository.fingerprints; nothing was installed"
	hintDeps  = "pin a newer or older version with --falco-version, or enable the repository that has what is missing"
	hintSpace = node.HintSpace
	// hintReadOnly is what to do about a file system of a package's files.
	hintReadOnly = "see which file system that is (findmnt), make it writable, and run again"
	hintLock     = "another program is changing packages: wait until it ends, or find out why it hangs"
	hintLogin    = "name the user that the proxy wants in dnf.conf (proxy_username and proxy_password), or in the URL of https_proxy"
	hintCA       = "check the clock (timedatectl) and the CA certificates (package ca-certificates) of this node"
)

// Names of rows that the code asks for.
const (
	keptOld   = "preun-failed" // an old package is still there beside its successor
	excluded  = "excluded"
	proxyHalf = "proxy-half"

	metadataSignature = "metadata-signature"
	notWritten        = "not-written"
)

// inConf is where a key of dnf's is, if it is not known better.
const inConf = "dnf.conf or the repository files"

// outcomes returns the table. The first row that matches is the cause, so a row
// stands before every row that its words match too: trust first, since a failure
// of trust is never tried again until it works; then the machine and the
// network, for which a package is missing too; general rows last. The words are
// those of dnf 4 (dnf, libdnf, librepo, rpm) on Oracle Linux 8 to 10, of which
// none has dnf 5, and of yum 3.4 on Oracle Linux 7. testdata/outcomes.txt has
// them as they were printed, and where.
func outcomes() []outcome {
	return slices.Concat(trustOutcomes(), machineOutcomes(), networkOutcomes(), metadataOutcomes(), packageOutcomes(), generalOutcomes())
}

func row(name, line string, code node.Code, tries int, what string, h hint) outcome {
	return outcome{name, regexp.MustCompile("(?m)" + line), code, tries, what, h}
}

func trustOutcomes() []outcome {
	c := node.CodeTrust
	return []outcome{
		row("metadata-unsigned", `for repo '(?P<repo>[^']+)': GPG verification is enabled, but GPG signature is not available|Error finding signature for repomd\.xml for (?P<repo2>[^:\s]+)`, c, permanent,
			"the repository $repo does not sign its metadata, and repo_gpgcheck asks for that", hint{
				own:   "set repository.repo_gpgcheck: false for a mirror that makes its own metadata: its packages are still checked against the pinned key",
				other: "set repo_gpgcheck=0 in the section [$repo] of the repository files: Oracle does not sign metadata. A repo_gpgcheck=1 in dnf.conf holds for every repository",
			}),
		row("signature-page", `repo '(?P<repo>[^']+)': repomd\.xml GPG signature verification error: gpgme_op_verify\(\) error: No data`, node.CodePackages, maybe,
			"what the server of $repo sends as the signature of its metadata is none", hint{
				own:   "see what it sends as repodata/repomd.xml.asc below repository.baseurl (curl -i): a proxy or a portal that asks for a login answers with a page",
				other: "see what it sends as repodata/repomd.xml.asc below the baseurl= of $repo (curl -i): a proxy or a portal that asks for a login answers with a page",
			}),
		row(metadataSignature, `repo '(?P<repo>[^']+)': repomd\.xml GPG signature verification error|repomd\.xml signature could not be verified for (?P<repo2>\S+)|Gpg Keys not imported, cannot verify repomd\.xml for repo (?P<repo3>\S+)`, c, permanent,
			"the metadata of the repository $repo is not signed by one of its keys", hintSigner),
		row("key-file", `Failed to retrieve GPG key for repo '(?P<repo>[^']+)': Curl error \(37\)`, c, permanent,
			"the key file that the repository $repo names (gpgkey=) is not there", hint{
				own:   "run falco-bootstrap again without excluding its key step: it writes that file",
				other: "give the section [$repo] of the repository files a gpgkey= that exists",
			}),
		row("package-unsigned", `Package (?P<package>\S+) is not signed`, c, permanent,
			"the package $package of repository $repo is not signed", hintSigner),
		row("package-key-listed", `The GPG keys listed for the "(?P<reponame>.+?)" repository are already installed but they are not correct for this package`, c, permanent,
			"the package $package of repository $repo is signed by a key outside its own", hintSigner),
		row("metadata-key-listed", `The GPG keys listed for the "(?P<reponame>.+?)" repository are already installed but`, c, permanent,
			"the metadata of the repository $repo is signed by a key outside its own", hintSigner),
		row("package-key", `Public key for (?P<package>\S+) is not (?:installed|trusted)`, c, permanent,
			"the package $package of repository $repo is signed by a key that is not trusted here", hintSigner),
		row("key-not-served", `^Status code: (?P<detail>\d+) for \S+|^GPG key retrieval failed: (?P<detail2>.+)$`, c, permanent,
			"the key that the repository $repo names (gpgkey=) cannot be fetched: $detail", hint{own: "see the gpgkey= of the section [$repo] of the repository files"}),
		row("key-unusable", `Invalid GPG Key from (?P<detail>\S+?):|Key (?:\S+ )?import failed|(?i:didn't install any keys)`, c, permanent,
			"the key that the repository $repo names (gpgkey=) cannot be used", hint{own: "see the gpgkey= of the section [$repo] of the repository files: it must be an armored OpenPGP public key"}),
		row("key-not-named", `Problem repository: \[?(?P<repo>[^\]\s/]+)`, c, permanent,
			"the repository $repo names no key (gpgkey=) to check its packages with", hint{own: "set gpgkey= for that repository in the repository files"}),
		row("package-digest", `package (?P<package>\S+) does not verify: (?P<detail>.+)$`, c, permanent,
			"rpm does not accept the package $package: $detail", hintSigner),
		row("gpg-check", `GPG check FAILED|Header V\d.*: BAD\b`, c, permanent, "the signature check failed", hintSigner),
	}
}

func machineOutcomes() []outcome {
	c := node.CodePackages
	return []outcome{
		row("history-full", `SQLite error on "[^"]*history\.sqlite"[^\n]*(?:disk is full|disk I/O error|readonly database)`, c, permanent, "dnf cannot write its history: the file system of /var/lib/dnf is full, or read-only", hintFull),
		row("history-damaged", `SQLite error on "(?P<detail>[^"]*history\.sqlite)"[^\n]*(?:not a database|malformed|no such (?:table|column)|already exists|unsupported file format)`, c, permanent,
			"dnf's history $detail is damaged", hint{own: "move it away with `mv $detail $detail.damaged` and run again: dnf makes a new one, and only the list of past transactions is lost"}),
		row(notWritten, `[Cc]url error \(23\)|curl#23\b`, c, permanent, "what it fetches cannot be written to disk", hint{
			own: "see which file system is full with `df -h /var/lib/falco-bootstrap /var/cache/dnf`, make room there and run again",
		}),
		row("log-full", `^Config error: \[Errno (?:28|30)\] [^\n]*'(?P<detail>/[^']+)'|Failed to open log file: (?P<detail2>/\S+)`, c, permanent, "it cannot write $detail: that file system is full, or read-only", hintFull),
		row("file-limit", `\[Errno 27\] File too large`, c, permanent, "it may not write large files", hint{own: "raise the limit on their size: `ulimit -f unlimited`, or LimitFSIZE= of the unit that starts the run"}),
		row("configuration", `^Config error: (?P<detail>.+)$`, c, permanent, "its configuration cannot be read: $detail", hint{own: "correct that file; dnf itself does not start with it"}),
		row("interrupted", `^(?:KeyboardInterrupt: Terminated|KeyboardInterrupt$|[^\n]*Librepo was interrupted by a signal)`, c, transient, "a signal has interrupted it", hint{own: "find out who sends it: something else that stops programs, such as a watchdog"}),
		row("no-repository", `There are no enabled repo`, c, permanent, "no repository is enabled", hint{
			own: "see the repository files: OS Management renames Oracle's to *.osms-backup, and then another system must offer the packages",
		}),
		row("unknown-repository", `Unknown repo: '(?P<repo>[^']+)'|Error getting repository data for (?P<repo2>[^,\s]+)|No matching repo to modify: (?P<repo3>\S+?)\.?$`, c, permanent,
			"there is no repository $repo", hint{own: "see the repository files (dnf repolist --all)"}),
		row("rpm-database", `rpmdb open failed|cannot open Packages (?:database|index)`, c, permanent, "rpm's database cannot be opened", hint{own: "see what rpm -qa says; rpm --rebuilddb rebuilds it"}),
		row("lock", `Waiting for process with pid|[Ff]ailed to obtain the transaction lock|yum lock|transaction lock on`, c, locked, "another program holds the package lock", hintBusy),
		row("download-space", `Insufficient space in download directory (?P<detail>\S+)`, c, permanent, "there is no room for the packages in $detail", hintFull),
		row("disk-space", `At least (?P<detail>\d+[KMG]B more space needed on the \S+ filesystem)`, c, permanent, "at least $detail", hintFull),
		row("disk-full", `No space left on device|[Dd]isk quota exceeded`, c, permanent, "the disk is full", hintFull),
		row("read-only", `Read-only file system`, c, permanent, "a file system that the package writes to is read-only", hint{own: hintReadOnly}),
		row("unpacking", `unpacking (?:of archive failed on file|rpm package) (?P<detail>[^;\s]+)`, c, maybe, "unpacking $detail failed", hint{own: "see whether that file system is full, read-only, or has something else in that place"}),
		row("aborted", `^Operation aborted|^Exiting on user`, c, permanent, "the transaction was refused", hint{own: "see whether a plugin or an alias of dnf refuses it (dnf -v says which are loaded)"}),
	}
}

func networkOutcomes() []outcome {
	c := node.CodePackages
	return []outcome{
		row("proxy-name", `Could(?:n't| not) resolve proxy: (?P<detail>[^\s\]";]+)`, c, unnamed, "the name of the proxy, $detail, cannot be resolved", hintProxy),
		row("proxy-login", `Status code: 407|CONNECT tunnel failed, response 407|HTTP code 407 from proxy|HTTPS? Error 407`, c, permanent, "the proxy wants a user and a password",
			hint{own: hintLogin}),
		row("proxy-refuses", `CONNECT tunnel failed, response (?P<detail>\d+)|HTTP code (?P<detail2>\d+) from proxy after CONNECT`, c, maybe, "the proxy refuses the way to the server of $repo: $detail", hint{own: "the proxy must allow that server; " + hintProxy.own}),
		row(proxyHalf, `repo '(?P<repo>[^']+)': '(?P<detail>proxy_\w+)' is set but not 'proxy_\w+'`, c, permanent, "the proxy of $repo has a user and no password",
			hint{own: "name both proxy_username and proxy_password, or neither: see " + inConf}),
		row("region", `Could(?:n't| not) resolve host: (?P<detail>\S*\$oci\w*[^\s\]";]*)|[Cc]url error \(3\).* for \w+://(?P<detail2>[^/\s]*\$oci\w*[^/\s]*)`, c, unnamed, "the name $detail cannot be resolved: the variables of this region are not set", hint{
			own: "oci-yum-repo-mapper.service sets ociregion and ocidomain (/etc/dnf/vars) at boot: see what it says; without that unit, write an empty line to /etc/dnf/vars/ociregion and oracle.com to /etc/dnf/vars/ocidomain",
		}),
		// A variable of a query, such as $infra of EPEL's metalink, does no harm.
		row("variable", `(?:[Cc]url error \([36]\).*|Status code: 4\d\d) for \w+://[^\s?]*?\$\{?(?P<detail>\w+)|^\w+://[^\s?]*?\$\{?(?P<detail2>\w+)\S*: \[Errno 14\] (?:HTTPS? Error 4|curl#6)`, c, permanent,
			"the variable $detail in the address of $repo is not set", hint{
				own:   "dnf replaces it by the first line of /etc/dnf/vars/$detail: write that file, or set repository.baseurl without it",
				other: "dnf replaces it by the first line of /etc/dnf/vars/$detail: write that file, or correct its baseurl= in the repository files",
			}),
		row("server-name", `Could(?:n't| not) resolve host: (?P<detail>[^\s\]";]+)`, c, unnamed, "the name $detail cannot be resolved", hintServer),
		row("client-certificate", `[Cc]url error \(58\)|curl#58\b`, c, permanent, "the certificate with which this node asks the server of $repo cannot be used", hint{
			own: "see whether the files that sslclientcert and sslclientkey name are there and fit: dnf.conf, and the section [$repo] of the repository files",
		}),
		row("ca-file", `[Cc]url error \(77\)|curl#77\b`, c, permanent, "the CA certificates for the server of $repo cannot be read", hint{
			own: "see whether the file of sslcacert= is there: dnf.conf, and the section [$repo] of the repository files; without that key, the package ca-certificates has it",
		}),
		row("certificate", `SSL certificate problem|[Cc]url error \((?:51|60)\)|curl#(?:51|60)\b|Peer's [Cc]ertificate`, c, permanent, "the certificate of the server of $repo is not trusted", hintTLS),
		row("tls", `[Cc]url error \(35\)|curl#35\b`, c, maybe, "the server of $repo does not speak TLS as it should", hint{own: hintTLS.own + ". A server that speaks http alone needs http:// in its baseurl="}),
		row("forbidden", `Status code: (?P<detail>40[13]) for|HTTPS? Error (?P<detail2>40[13])\b`, c, maybe, "the server of $repo answers $detail", hintAddress),
		row("package-gone", `^\[(?:MIRROR|FAILED)\] (?P<package>\S+): Status code: (?P<detail>4\d\d)`, c, transient, "$repo names the package $package, and its server answers $detail for it", hintMirror),
		row("not-found", `Status code: (?P<detail>4(?:0[0245-79]|10)) for|HTTPS? Error (?P<detail2>4(?:0[0245-79]|10))\b`, c, maybe, "the server of $repo answers $detail", hintAddress),
		row("server-busy", `Status code: (?P<detail>429|408|5\d\d) for|HTTPS? Error (?P<detail2>429|408|5\d\d)\b`, c, transient, "the server of $repo answers $detail", hintServer),
		row("no-directory", `[Cc]url error \(37\)|curl#37\b`, c, permanent, "the directory of the repository $repo is not there", hintAddress),
		row("server-silent", `[Cc]url error \((?:5|6|7|16|18|28|52|55|56|92)\)|curl#(?:5|6|7|18|28|52|56)\b|\[Errno 12\] Timeout|(?i:failed to connect)|Connection (?:refused|reset|timed out)|Network is unreachable|No route to host|Operation too slow`,
			c, transient, "the server of $repo does not answer", hintServer),
	}
}

func metadataOutcomes() []outcome {
	c := node.CodePackages
	return []outcome{
		row("not-a-repository", `repomd\.xml parser error|Error importing repomd\.xml|Damaged repomd\.xml`, c, maybe, "what the server of $repo sends is not a repository", hint{
			own:   hintAddress.own + ": a proxy that asks for a login answers with a page",
			other: hintAddress.other + "; a proxy that asks for a login answers with a page",
		}),
		// This is the checksum of nothing: librepo does not say that it could not write.
		row("download-empty", `Calculated: e3b0c44298fc1c149afbf4c8996fb924`, c, maybe, "what came from $repo is empty", hint{own: "see whether the file system of cachedir= (/var/cache/dnf) is full"}),
		row("checksum", `checksum doesn't match|does not match checksum|does not match intended download|Inconsistent server data`, c, transient, "what the server of $repo sends does not match its metadata", hintMirror),
		row("metadata", `Failed to download metadata for repo '(?P<repo>[^']+)'|Failed to synchronize cache for repo '(?P<repo2>[^']+)'|Failed to retrieve GPG key for repo '(?P<repo3>[^']+)'|Cannot find a valid baseurl for repo: (?P<repo4>[^\s/]+)|Cannot retrieve (?:repository metadata|metalink)|Ignoring repositories: (?P<repo5>[^\s,]+)|One of the configured repositories failed`,
			c, transient, "the metadata of the repository $repo cannot be loaded", hintServer),
		row("download", `No more mirrors to try|all mirrors were (?:already )?tried|Errors? downloading packages`, c, transient, "the download failed", hintMirror),
	}
}

func packageOutcomes() []outcome {
	c := node.CodePackages
	return []outcome{
		row(excluded, `filtered out by exclude filtering for argument: (?P<package>.+)$|(?s:due to versionlock.*)^No package (?P<package2>.+?) available`, c, permanent, "every $package there is excluded", hintExcluded),
		row("version-gone", `Installed package (?:\d+:)?(?P<package>\S+) (?:\(from \S+\) )?not available`, c, permanent, "no repository has the $package that is installed", hint{
			own:   "declare a falco.version that the repository has, or put that package there: it is needed to restore its files",
			other: "enable the repository that has it",
		}),
		row("no-match", `(?:No match for argument|Unable to find a match): (?P<package>.+)$|No package (?P<package2>.+) available\.?$`, c, permanent, "the repository has no $package", hintMissing),
		row("protected", `removing the following protected packages: (?P<detail>.+)$|Trying to remove "(?P<detail2>[^"]+)", which is protected`, c, permanent, "the protected package $detail would be removed", hint{own: "see protected_packages= of dnf.conf, and /etc/dnf/protected.d"}),
		row("needs-builder", `nothing provides (?P<detail>dkms|kernel-devel) needed by (?P<package>falco-\S+)`, c, permanent, "nothing provides $detail, which $package needs",
			hint{own: "Falco before 0.40 needs it: pin that version with --falco-version, and its dependencies are installed with it"}),
		row("needs", `nothing provides (?P<detail>.+?) needed by (?P<package>\S+)`, c, permanent, "nothing provides $detail, which $package needs", hintRelated),
		row("needs-other", `requires (?P<detail>.+?), but none of the providers can be installed`, c, permanent, "it requires $detail, and nothing that has it can be installed", hintRelated),
		row("needs-yum", `^Error: Package: (?P<package>\S+)(?: \((?P<repo>[^)]+)\))?\n\s+Requires: (?P<detail>.+)$`, c, permanent, "$package needs $detail, which is not there", hintRelated),
		row("file-conflict", `file (?P<detail>\S+) (?:from install of|conflicts between)`, c, permanent, "two packages have the file $detail", hint{own: "remove the package that has it (rpm -qf $detail), and run again"}),
		row("conflict", `(?:package )?(?P<package>\S+) conflicts with (?P<detail>.+)$`, c, permanent, "$package conflicts with $detail", hintRelated),
		row("unsolvable", `(?i)conflicting requests|cannot install (?:both|the best)|Depsolve Error|Protected multilib`, c, permanent, "its dependencies cannot be met", hintRelated),
		row(keptOld, `Error in PREUN scriptlet|%preun\(.+\) scriptlet failed|(?i:erase failed)`, c, permanent, "the package's own script keeps it from being removed", hint{own: "read the end of the script's output; the package is still installed"}),
		row("script", `Error in (?P<detail>\w+) scriptlet in rpm package (?P<package>\S+)|%(?P<detail2>\w+)\((?P<package2>[^)]+)\) scriptlet failed`, c, maybe, "the $detail script of $package failed", hint{own: "read the end of the script's output"}),
	}
}

func generalOutcomes() []outcome {
	c := node.CodePackages
	return []outcome{
		row("nothing", `(?i)Nothing to do|No packages marked for`, c, permanent, "there is nothing to do", hint{own: hintPin}),
		row("failed", `Transaction failed|Could not run transaction|Rpmdb changed underneath|scriptlet failed`, c, maybe, "the transaction failed", hintNone),
	}
}
