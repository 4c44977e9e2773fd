// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package support

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/program"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/osrelease"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// maxRead bounds what is read of one file, in bytes.
const maxRead = 1 << 20

const (
	// What OCI's logging agent has; docs/oke.md looks at the same files.
	loggingConfig = "/etc/unified-monitoring-agent/conf.d/fluentd_config/fluentd.conf"
	loggingLog    = "/var/log/unified-monitoring-agent/unified-monitoring-agent.log"
	loggingUnit   = "unified-monitoring-agent.service"
)

// ownUnits are the units that come with the agent.
func ownUnits() []string {
	return []string{"falco-bootstrap.service", "falco-bootstrap.timer", "falco-bootstrap-firstboot.service"}
}

// OfNode returns the sources that are read from the node. lastRun is the path of the
// last run's report.
func OfNode(view node.View, s settings.Settings, lastRun string) []Source {
	units := append(falco.Units(), append([]string{falco.FollowUnit}, ownUnits()...)...)
	return []Source{
		{"versions", "Versions", func(ctx context.Context) (string, error) { return versions(ctx, view) }},
		{"last_run", "Last run: " + lastRun, fileSource(view, lastRun)},
		{"units", "Units", func(ctx context.Context) (string, error) { return describeUnits(ctx, view, units) }},
		{"unit_files", "Unit files and drop-ins in force", func(ctx context.Context) (string, error) { return unitFiles(ctx, view, units) }},
		{"journal", "Journal of the units", command("journalctl", journalArgs(units)...)},
		{"alert_log", "Alert log: " + s.LogFile(), func(context.Context) (string, error) { return describeLog(view, s.LogFile()) }},
		{"dnf_log", "End of dnf's log", fileSource(view, "/var/log/dnf.log")},
		{"repository", "Repository: " + s.Repository.URL(), func(ctx context.Context) (string, error) { return reach(ctx, view, s) }},
		{"metadata", "Metadata service of the instance", metadata},
		{"logging_agent", "Logging agent", func(ctx context.Context) (string, error) { return loggingAgent(ctx, view, s.LogFile()) }},
	}
}

func journalArgs(units []string) []string {
	args := []string{"--no-pager", "--output=short-iso", "--lines=200"}
	for _, u := range units {
		args = append(args, "--unit="+u)
	}
	return args
}

// command is what a program prints, which Oracle Linux has in /usr/bin.
func command(name string, args ...string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) { return output(ctx, name, args...) }
}

func output(ctx context.Context, name string, args ...string) (string, error) {
	out, err := program.Run(ctx, program.Command{
		Argv: append([]string{path.Join("/usr/bin", name)}, args...), Timeout: patience, Keep: maxSection, Combined: true,
		AsNobody: name == "rpm", // even a query of root's writes to its database's directory
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%s is not installed", name)
	}
	return string(out.Stdout), err
}

// readFile returns a file, of a long one the end: a log may be larger than the memory.
func readFile(tree fs.FS, name string) (string, error) {
	f, err := tree.Open(strings.TrimPrefix(name, "/"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", errors.New("there is none")
	}
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	if end, ok := f.(io.Seeker); ok {
		_, _ = end.Seek(-maxRead, io.SeekEnd) // fails in a shorter file
	}
	text, err := io.ReadAll(io.LimitReader(f, maxRead))
	return string(text), err
}

func fileSource(view node.View, name string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return readFile(view.Tree(), name) }
}

// versions are those of everything that takes part.
func versions(ctx context.Context, view node.View) (string, error) {
	var b strings.Builder
	for _, name := range []string{osrelease.OracleReleaseFile, osrelease.OSReleaseFile} {
		if text, err := readFile(view.Tree(), "/"+strings.TrimPrefix(name, "/")); err == nil {
			first, _, _ := strings.Cut(text, "\n")
			fmt.Fprintf(&b, "%s: %s\n", name, first)
		}
	}
	h := view.Host()
	fmt.Fprintf(&b, "kernel: %s %s, BTF %t, FIPS %t, booted %s\n", h.Kernel, h.Arch, h.BTF, h.FIPS, h.Booted.UTC().Format(time.RFC3339))
	packages, err := output(ctx, "rpm", "-q", "falco", "dkms", "rpm", "dnf", "yum", "systemd", "glibc", "libdnf", "oraclelinux-release", "falco-bootstrap")
	b.WriteString(packages)
	return b.String(), err
}

// describeUnits has a line for each unit that is there.
func describeUnits(ctx context.Context, view node.View, names []string) (string, error) {
	units, err := view.Units(ctx, names...)
	var b strings.Builder
	for _, name := range names {
		if u, known := units[name]; known && u.Exists() {
			b.WriteString(unitLine(name, u) + "\n")
		}
	}
	if b.Len() == 0 && err == nil {
		return "none of " + strings.Join(names, ", "), nil
	}
	return b.String(), err
}

// unitFiles are the files of the units that are there, drop-ins included.
func unitFiles(ctx context.Context, view node.View, names []string) (string, error) {
	units, err := view.Units(ctx, names...)
	if err != nil {
		return "", err
	}
	args := []string{"cat", "--no-pager"}
	for _, name := range names {
		if u := units[name]; u.Exists() && u.UnitFileState != "masked" && u.ID == name {
			args = append(args, name)
		}
	}
	if len(args) == 2 {
		return "", errors.New("there are none")
	}
	return output(ctx, "systemctl", args...)
}

func unitLine(name string, u systemd.Unit) string {
	line := fmt.Sprintf("%s: %s, %s (%s)", name, u.UnitFileState, u.ActiveState, u.SubState)
	if u.ID != "" && u.ID != name {
		line += ", another name of " + u.ID
	}
	if u.Result != "" && u.Result != "success" {
		line += ", result " + u.Result
	}
	if u.NRestarts > 0 {
		line += fmt.Sprintf(", restarted %d times", u.NRestarts)
	}
	if u.Running() {
		line += fmt.Sprintf(", process %d since %s", u.MainPID, u.Started.UTC().Format(time.RFC3339))
	}
	if len(u.DropIns) > 0 {
		line += ", drop-ins " + strings.Join(u.DropIns, " ")
	}
	return line
}

// describeLog says how large and how old the alert log is. What is in it is the site's.
func describeLog(view node.View, name string) (string, error) {
	f, err := view.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", errors.New("there is none")
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%v, owner %d:%d, %d bytes, last written %s", f.Mode, f.UID, f.GID, f.Size, f.ModTime.UTC().Format(time.RFC3339)), nil
}

// reach fetches the repository's metadata in the way that dnf does, proxies included.
func reach(ctx context.Context, view node.View, s settings.Settings) (string, error) {
	r := s.Repository
	began := time.Now()
	content, err := view.Fetch(ctx, strings.TrimRight(r.URL(), "/")+"/repodata/repomd.xml", r.ID, r.Insecure)
	if err != nil {
		return "", err
	}
	if !bytes.Contains(content, []byte("<repomd")) {
		return "", fmt.Errorf("it answers with %d bytes that are no metadata of a repository", len(content))
	}
	return fmt.Sprintf("it answers with its metadata, %d bytes, after %v", len(content), time.Since(began).Round(time.Millisecond)), nil
}

// loggingAgent says whether OCI's agent runs, and what it does with the alert log.
func loggingAgent(ctx context.Context, view node.View, log string) (string, error) {
	var b strings.Builder
	state, err := describeUnits(ctx, view, []string{loggingUnit})
	if err != nil {
		return "", err
	}
	b.WriteString(state + "\n")
	config, err := readFile(view.Tree(), loggingConfig)
	if err != nil {
		return b.String(), fmt.Errorf("its configuration %s: %w", loggingConfig, err)
	}
	fmt.Fprintf(&b, "%s names %s %d times\n", loggingConfig, log, strings.Count(config, log))
	for line := range strings.Lines(config) {
		if strings.Contains(line, path.Base(log)) {
			b.WriteString("  " + strings.TrimSpace(line) + "\n")
		}
	}
	text, err := readFile(view.Tree(), loggingLog)
	if err != nil {
		return b.String(), fmt.Errorf("its log %s: %w", loggingLog, err)
	}
	refused := linesWith(text, "401", "404", "NotAuthorized", "rror")
	fmt.Fprintf(&b, "%s: the last lines of %d with an error\n%s", loggingLog, len(refused), strings.Join(refused[max(0, len(refused)-10):], ""))
	return b.String(), nil
}

func linesWith(text string, words ...string) []string {
	var found []string
	for line := range strings.Lines(text) {
		for _, w := range words {
			if strings.Contains(line, w) {
				found = append(found, "  "+line)
				break
			}
		}
	}
	return found
}
