// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
)

// EnvPrefix is the prefix of every environment variable that is read: the
// variable of --falco-version is FALCO_BOOTSTRAP_FALCO_VERSION.
const EnvPrefix = "FALCO_BOOTSTRAP_"

// A Row describes one setting: its flag, its key in the settings file, and
// what it means. [EnvName] of the flag is its environment variable.
type Row struct {
	Flag, Key, Help string
	field           func(*Settings) any // a pointer to it
}

// Rows lists every setting, in the order of the settings file. The flags and
// docs/settings.md are generated from it.
func Rows() []Row {
	return []Row{
		{"falco-version", "falco.version", "Falco version to pin, such as 0.44.1; empty means the newest that this host can run", func(s *Settings) any { return &s.Falco.Version }},
		{"driver", "falco.driver", "Falco's driver: auto, modern_ebpf or kmod", func(s *Settings) any { return &s.Falco.Driver }},
		{"set", "falco.config", "a key of falco.yaml by its dotted path, as KEY=VALUE with VALUE in YAML; repeatable", func(s *Settings) any { return &s.Falco.Config }},
		{"rules-follow", "falco.rules_follow", "let falcoctl-artifact-follow replace rules on its own; otherwise it is masked", func(s *Settings) any { return &s.Falco.RulesFollow }},
		{"rules-file", "falco.rules", "a rules file for Falco to load, as NAME=PATH or NAME={url: URL, sha256: SUM}; repeatable", func(s *Settings) any { return &s.Falco.Rules }},
		{"falco-rpm", "falco.rpm", "install this local package, or one from this directory, instead of the repository's", func(s *Settings) any { return &s.Falco.RPM }},
		{"repository-id", "repository.id", "section of the repository file", func(s *Settings) any { return &s.Repository.ID }},
		{"repository-baseurl", "repository.baseurl", "where Falco's packages are: https://, file:// or a path", func(s *Settings) any { return &s.Repository.BaseURL }},
		{"repository-gpgkey", "repository.gpgkey", "where the signing key is: https://, file:// or a path", func(s *Settings) any { return &s.Repository.GPGKey }},
		{"fingerprint", "repository.fingerprints", "pinned fingerprint of a signing key; repeatable", func(s *Settings) any { return &s.Repository.Fingerprints }},
		{"repo-gpgcheck", "repository.repo_gpgcheck", "require signed repository metadata; turn it off for a mirror with its own metadata", func(s *Settings) any { return &s.Repository.RepoGPGCheck }},
		{"insecure", "repository.insecure", "allow http:// for the repository and the signing key", func(s *Settings) any { return &s.Repository.Insecure }},
		{"warn-days", "repository.warn_days", "warn this many days before the signing key expires", func(s *Settings) any { return &s.Repository.WarnDays }},
		{"epel-after", "epel.after", "state of the EPEL repository after a run: disabled or unchanged", func(s *Settings) any { return &s.EPEL.After }},
		{"log-mode", "log.mode", "file mode of the alert log, in octal", func(s *Settings) any { return &s.Log.Mode }},
		{"log-group", "log.group", "group of the alert log", func(s *Settings) any { return &s.Log.Group }},
		{"log-rotate-size", "log.rotate.size", "rotate the alert log at this size", func(s *Settings) any { return &s.Log.Rotate.Size }},
		{"log-rotate-keep", "log.rotate.keep", "keep this many rotated logs; 0 leaves rotation to others and removes the agent's file", func(s *Settings) any { return &s.Log.Rotate.Keep }},
		{"proof-max-age", "proof.max_age", "have Falco show again that it detects when it last did so longer ago than this", func(s *Settings) any { return &s.Proof.MaxAge }},
	}
}

// Groups are the headings of settings in the help, in their order.
func Groups() []string { return []string{GroupFalco, GroupPackages, GroupLog} }

// The headings.
const (
	GroupFalco    = "Falco"
	GroupPackages = "Packages and keys"
	GroupLog      = "Alert log"
)

// Group is the heading of the setting in the help.
func (r Row) Group() string {
	switch of, _, _ := strings.Cut(r.Key, "."); of {
	case "repository", "epel":
		return GroupPackages
	case "log":
		return GroupLog
	}
	return GroupFalco
}

// Value returns the setting's value.
func (r Row) Value(s Settings) any { return reflect.ValueOf(r.field(&s)).Elem().Interface() }

// Given reports whether a flag or the environment sets it.
func (f *Flags) Given(r Row) bool { return f.Changed(r.Flag) }

// Changed reports whether the flag of this name was given, on the command line or by the
// environment.
func (f *Flags) Changed(name string) bool { return f.flags.Changed(name) }

// Flags are the settings as flags. Values given there, or in the environment,
// win over a settings file.
type Flags struct {
	flags *pflag.FlagSet
	over  Settings
	set   []string // KEY=VALUE of falco.yaml
	rules []string // NAME=VALUE of falco.rules
}

// AddFlags adds a flag for every setting to flags. The help shows the defaults.
func AddFlags(flags *pflag.FlagSet) *Flags {
	f := &Flags{flags: flags, over: Default()}
	for _, row := range Rows() {
		switch v := row.field(&f.over).(type) {
		case *string:
			flags.StringVar(v, row.Flag, *v, row.Help)
		case *bool:
			flags.BoolVar(v, row.Flag, *v, row.Help)
		case *int:
			flags.IntVar(v, row.Flag, *v, row.Help)
		case *time.Duration:
			flags.DurationVar(v, row.Flag, *v, row.Help)
		case *[]string:
			flags.StringSliceVar(v, row.Flag, *v, row.Help)
		case *[]RulesFile:
			flags.StringArrayVar(&f.rules, row.Flag, nil, row.Help)
		default: // falco.config, key by key
			flags.StringArrayVar(&f.set, row.Flag, nil, row.Help)
		}
	}
	return f
}

// Environment sets every flag that was not given on the command line from its
// variable. A repeatable flag takes one value from each line. Environment returns
// the names that begin with [EnvPrefix] and match no flag: most likely they are
// misspelt.
func Environment(flags *pflag.FlagSet, environ []string) (unknown []string, err error) {
	names := map[string]*pflag.Flag{}
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" && f.Name != "version" {
			names[EnvName(f.Name)] = f
		}
	})
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		f, known := names[name]
		switch {
		case !strings.HasPrefix(name, EnvPrefix):
		case !known:
			unknown = append(unknown, name)
		case !f.Changed:
			err = errors.Join(err, setFlag(flags, f, name, value))
		}
	}
	slices.Sort(unknown)
	return unknown, err
}

// EnvName returns the environment variable of a flag.
func EnvName(flag string) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// FlagName returns the flag of an environment variable.
func FlagName(variable string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(variable, EnvPrefix), "_", "-"))
}

func setFlag(flags *pflag.FlagSet, f *pflag.Flag, name, value string) error {
	values := []string{value}
	if f.Value.Type() == "stringArray" {
		values = strings.Split(strings.TrimRight(value, "\n"), "\n")
	}
	for _, v := range values {
		if err := flags.Set(f.Name, v); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// Over lays the flags that were given over s.
func (f *Flags) Over(s Settings) (Settings, error) {
	for _, row := range Rows() {
		if f.flags.Changed(row.Flag) && row.Key != "falco.config" && row.Key != "falco.rules" {
			to, from := row.field(&s), row.field(&f.over)
			reflect.ValueOf(to).Elem().Set(reflect.ValueOf(from).Elem())
		}
	}
	for _, text := range f.set {
		d, err := falcoconf.ParseSetting(text)
		if err != nil {
			return Settings{}, &KeyError{Key: "--set " + text, Reason: err.Error(), Hint: "KEY=VALUE, for example --set json_output=true"}
		}
		s.Declare(d)
	}
	for _, text := range f.rules {
		file, err := parseRulesFile(text)
		if err != nil {
			return Settings{}, &KeyError{Key: "--rules-file " + text, Reason: err.Error(), Hint: "NAME=PATH, or NAME={url: URL, sha256: SUM}"}
		}
		s.DeclareRules(file)
	}
	return s, nil
}
