// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package settings holds what an operator declares. Every setting is a flag, an
// environment variable and a key of the settings file: a flag wins over the
// environment, and the environment over the file. [Rows] is the table of them.
//
// The package reads bytes, not files, and decides nothing about a node.
package settings

import (
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/trust"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
)

// Path is the default settings file.
const Path = "/etc/falco-bootstrap.yaml"

// Settings is everything that can be declared.
type Settings struct {
	Falco      Falco      `yaml:"falco"`
	Repository Repository `yaml:"repository"`
	EPEL       EPEL       `yaml:"epel"`
	Log        Log        `yaml:"log"`
	Proof      Proof      `yaml:"proof"`
}

// Falco says which Falco and how it is configured.
type Falco struct {
	// Version is a pin such as 0.44.1, or empty for the newest that this host
	// can run.
	Version string `yaml:"version"`
	// Driver is auto, modern_ebpf or kmod.
	Driver string `yaml:"driver"`
	// Config holds the declared keys of falco.yaml, nested or dotted.
	Config map[string]any `yaml:"config"`
	// RulesFollow lets falcoctl-artifact-follow replace rules on its own.
	RulesFollow bool `yaml:"rules_follow"`
	// Rules are the rules files that Falco loads besides its own, in this order.
	Rules []RulesFile `yaml:"rules"`
	// RPM is a local package, or a directory of packages, to install from.
	RPM string `yaml:"rpm"`
}

// Repository says where Falco comes from and which keys may sign it.
type Repository struct {
	ID           string   `yaml:"id"`
	BaseURL      string   `yaml:"baseurl"`
	GPGKey       string   `yaml:"gpgkey"`
	Fingerprints []string `yaml:"fingerprints"`
	// RepoGPGCheck requires signed metadata, which Falco's own repository has.
	// Turn it off for a mirror with its own metadata.
	RepoGPGCheck bool `yaml:"repo_gpgcheck"`
	Insecure     bool `yaml:"insecure"`
	// WarnDays is how many days before the signing key expires a run warns.
	WarnDays int `yaml:"warn_days"`
}

// EPEL says in which state a run leaves the EPEL repository.
type EPEL struct {
	// After is disabled or unchanged.
	After string `yaml:"after"`
}

// Log says how the alert log is kept.
type Log struct {
	// Mode is its file mode, in octal.
	Mode string `yaml:"mode"`
	// Group is the name or number of its group. Its owner is root, because
	// Falco runs as root.
	Group  string `yaml:"group"`
	Rotate Rotate `yaml:"rotate"`
}

// Rotate says when the log is rotated and how many are kept.
type Rotate struct {
	Size string `yaml:"size"`
	Keep int    `yaml:"keep"`
}

// Proof says when Falco has to show that it detects.
type Proof struct {
	// MaxAge is how old the last proof may be before a run asks for another.
	MaxAge time.Duration `yaml:"max_age"`
}

// DefaultLog is the alert log if no other is declared.
const DefaultLog = "/var/log/falco.log"

// Default returns the settings that apply where nothing is declared. The
// fingerprint is that of Falco's current signing key, created 2025-12-11
// (falcosecurity/falco#3750).
func Default() Settings {
	return Settings{
		Falco: Falco{
			Driver: "auto",
			Config: map[string]any{"file_output.enabled": true, "file_output.filename": DefaultLog},
		},
		Repository: Repository{
			ID:           "falcosecurity-rpm",
			BaseURL:      "https://download.falco.org/packages/rpm",
			GPGKey:       "https://falco.org/repo/falcosecurity-packages.asc",
			Fingerprints: []string{"478B2FBBC75F4237B731DA4365106822B35B1B1F"},
			RepoGPGCheck: true,
			WarnDays:     60,
		},
		EPEL:  EPEL{After: "disabled"},
		Log:   Log{Mode: "0600", Group: "root", Rotate: Rotate{Size: "100M", Keep: 7}},
		Proof: Proof{MaxAge: 24 * time.Hour},
	}
}

// URL returns the address of the repository as dnf wants it: a plain path is a
// file:// URL.
func (r Repository) URL() string {
	if strings.HasPrefix(r.BaseURL, "/") {
		return "file://" + r.BaseURL
	}
	return r.BaseURL
}

// Declared returns the declared keys of falco.yaml in a fixed order.
func (s Settings) Declared() []falcoconf.Setting { return falcoconf.Flatten(s.Falco.Config) }

// LogFile returns the declared alert log, or "" if none is declared or the file
// output is declared disabled.
func (s Settings) LogFile() string {
	name := ""
	for _, d := range s.Declared() {
		switch d.Path {
		case "file_output.enabled":
			if !falcoconf.AsBool(d.Value) {
				return ""
			}
		case "file_output.filename":
			name = falcoconf.AsText(d.Value)
		}
	}
	return name
}

// LogMode returns the declared file mode of the alert log.
func (s Settings) LogMode() fs.FileMode {
	mode, _ := strconv.ParseUint(s.Log.Mode, 8, 9) // Check has validated it
	return fs.FileMode(mode)
}

// Declare adds one key of falco.yaml. It replaces the same key, and the keys
// below it.
func (s *Settings) Declare(d falcoconf.Setting) {
	flat := map[string]any{}
	for _, old := range s.Declared() {
		if !under(old.Path, d.Path) {
			flat[old.Path] = old.Value
		}
	}
	flat[d.Path] = d.Value
	s.Falco.Config = flat
}

// under reports whether path is top or lies below it.
func under(path, top string) bool {
	rest, ok := strings.CutPrefix(path, top)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// A KeyError is a setting that cannot be used.
type KeyError struct {
	Key    string // its name in the settings file
	Reason string
	Hint   string
}

func (e *KeyError) Error() string { return e.Key + ": " + e.Reason }

var (
	group   = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_.-]*|[0-9]{1,9})$`)
	size    = regexp.MustCompile(`^[1-9][0-9]*[kMG]?$`)
	version = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+$`)
	// configKey begins with the name of a top-level key.
	configKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]*(?:[.\[]|$)`)
	repoID    = regexp.MustCompile(`^[A-Za-z0-9._:-]+$`)
)

// Check returns a [*KeyError] for the first setting that cannot be used. It
// brings the fingerprints into their normal form.
func (s *Settings) Check() error {
	for _, check := range []func() error{s.checkFalco, s.checkRules, s.checkRepository, s.checkFingerprints, s.checkLog} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Settings) checkFalco() error {
	switch s.Falco.Driver {
	case "auto", "modern_ebpf", "kmod":
	case "ebpf":
		return &KeyError{"falco.driver", "Falco has removed the legacy eBPF probe", "use modern_ebpf, or auto"}
	default:
		return &KeyError{"falco.driver", fmt.Sprintf("unknown driver %q", s.Falco.Driver), "use auto, modern_ebpf or kmod"}
	}
	if s.Falco.Version != "" && !version.MatchString(s.Falco.Version) {
		return &KeyError{"falco.version", fmt.Sprintf("%q is not a Falco version", s.Falco.Version), "use three numbers such as 0.44.1, or leave it empty for the newest"}
	}
	for _, d := range s.Declared() {
		if !configKey.MatchString(d.Path) {
			return &KeyError{"falco.config", fmt.Sprintf("%q is not a key of falco.yaml", d.Path), "keys are names such as json_output or file_output.filename"}
		}
	}
	if s.Falco.RPM != "" {
		absolute, err := filepath.Abs(s.Falco.RPM) // of the current directory
		if err != nil {
			return &KeyError{"falco.rpm", err.Error(), "use an absolute path"}
		}
		s.Falco.RPM = absolute
	}
	if s.Proof.MaxAge <= 0 {
		return &KeyError{"proof.max_age", fmt.Sprintf("%v is not above zero", s.Proof.MaxAge), "use a duration such as 24h"}
	}
	if s.EPEL.After != "disabled" && s.EPEL.After != "unchanged" {
		return &KeyError{"epel.after", fmt.Sprintf("%q is neither disabled nor unchanged", s.EPEL.After), ""}
	}
	return nil
}

func (s *Settings) checkRepository() error {
	if !repoID.MatchString(s.Repository.ID) {
		return &KeyError{"repository.id", fmt.Sprintf("%q is not a repository id", s.Repository.ID), "use letters, digits and . _ : - only"}
	}
	if s.Repository.WarnDays < 0 {
		return &KeyError{"repository.warn_days", "is negative", ""}
	}
	for key, value := range map[string]string{"repository.baseurl": s.Repository.BaseURL, "repository.gpgkey": s.Repository.GPGKey} {
		if err := s.checkURL(key, value); err != nil {
			return err
		}
	}
	return nil
}

// checkURL accepts https and files. It accepts http only with insecure: then the
// fingerprint is all that protects the node from the network.
func (s *Settings) checkURL(key, value string) error {
	u, err := url.Parse(value)
	switch {
	case err != nil:
		return &KeyError{key, "not a URL", "use https://HOST/PATH, file:///PATH or /PATH"}
	case strings.ContainsAny(value, "\n\r"):
		return &KeyError{key, "contains a line break", ""}
	case u.Scheme == "https" && u.Host != "", u.Scheme == "file", u.Scheme == "" && strings.HasPrefix(value, "/"):
		return nil
	case u.Scheme == "http" && s.Repository.Insecure:
		return nil
	case u.Scheme == "http":
		return &KeyError{key, "http:// is not allowed", "use https://, or set repository.insecure: true for a mirror on a private network"}
	default:
		return &KeyError{key, fmt.Sprintf("%q is neither https://, file:// nor an absolute path", u.Redacted()), ""}
	}
}

func (s *Settings) checkFingerprints() error {
	if len(s.Repository.Fingerprints) == 0 {
		return &KeyError{"repository.fingerprints", "none is pinned", "without a pinned fingerprint nothing can be trusted; leave the setting out to use Falco's own"}
	}
	normal := make([]string, len(s.Repository.Fingerprints))
	for i, f := range s.Repository.Fingerprints {
		var err error
		if normal[i], err = trust.NormalizeFingerprint(f); err != nil {
			return &KeyError{fmt.Sprintf("repository.fingerprints[%d]", i), err.Error(), ""}
		}
	}
	s.Repository.Fingerprints = normal
	return nil
}

func (s *Settings) checkLog() error {
	mode, err := strconv.ParseUint(s.Log.Mode, 8, 9)
	switch {
	case err != nil || mode > 0o777:
		return &KeyError{"log.mode", fmt.Sprintf("%q is not a file mode", s.Log.Mode), `use octal digits in quotes, such as "0640"`}
	case mode&0o600 != 0o600:
		return &KeyError{"log.mode", fmt.Sprintf("%q keeps Falco from writing its own log", s.Log.Mode), `the owner must be able to read and write, as in "0600"`}
	case mode&0o113 != 0:
		return &KeyError{"log.mode", fmt.Sprintf("%q makes the log writable by others, or executable", s.Log.Mode), `use "0600", "0640" or "0644"`}
	case !group.MatchString(s.Log.Group):
		return &KeyError{"log.group", fmt.Sprintf("%q is not a group", s.Log.Group), "use a name such as adm, or a number"}
	case !size.MatchString(s.Log.Rotate.Size):
		return &KeyError{"log.rotate.size", fmt.Sprintf("%q is not a size", s.Log.Rotate.Size), "use a number with k, M or G, such as 100M"}
	case s.Log.Rotate.Keep < 0 || s.Log.Rotate.Keep > 1000:
		return &KeyError{"log.rotate.keep", fmt.Sprintf("%d is out of range", s.Log.Rotate.Keep), "use 0 to 1000"}
	}
	if f := s.LogFile(); f != "" && !strings.HasPrefix(f, "/") {
		return &KeyError{"falco.config: file_output.filename", fmt.Sprintf("%q is not an absolute path", f), "Falco would create it in its working directory"}
	}
	return nil
}
