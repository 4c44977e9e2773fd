// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
)

// EnvPrefix begins the name of every environment variable that is read: the
// flag --falco-version is FALCO_BOOTSTRAP_FALCO_VERSION.
const EnvPrefix = "FALCO_BOOTSTRAP_"

// Flags are the settings as flags. Values given there, or in the environment,
// win over a settings file.
type Flags struct {
	flags *pflag.FlagSet
	over  Settings
	set   []string
}

// AddFlags adds a flag for every setting to flags, with the defaults shown.
func AddFlags(flags *pflag.FlagSet) *Flags {
	f := &Flags{flags: flags, over: Default()}
	s := &f.over
	flags.StringVar(&s.Falco.Driver, "driver", s.Falco.Driver, "Falco's driver: auto, modern_ebpf or kmod")
	flags.StringVar(&s.Falco.Version, "falco-version", "", "Falco version to pin, such as 0.44.1 (default: the newest that this host can run)")
	flags.StringArrayVar(&f.set, "set", nil, "a falco.yaml key by dotted path, as KEY=VALUE with VALUE in YAML; repeatable")
	flags.BoolVar(&s.Falco.RulesFollow, "rules-follow", false, "let falcoctl-artifact-follow replace rules by itself")
	flags.StringVar(&s.Falco.RPM, "falco-rpm", "", "install from this local package, or folder of packages")
	flags.StringVar(&s.Repository.ID, "repository-id", s.Repository.ID, "section of the repository file")
	flags.StringVar(&s.Repository.BaseURL, "repository-baseurl", s.Repository.BaseURL, "where Falco's packages are")
	flags.StringVar(&s.Repository.GPGKey, "repository-gpgkey", s.Repository.GPGKey, "where the signing key is: https://, file:// or a path")
	flags.StringSliceVar(&s.Repository.Fingerprints, "fingerprint", s.Repository.Fingerprints, "pinned key fingerprint; repeatable")
	flags.BoolVar(&s.Repository.RepoGPGCheck, "repo-gpgcheck", s.Repository.RepoGPGCheck, "require signed repository metadata")
	flags.BoolVar(&s.Repository.Insecure, "insecure", false, "allow http:// for the repository and the key")
	flags.IntVar(&s.Repository.WarnDays, "warn-days", s.Repository.WarnDays, "warn this many days before the key expires")
	flags.StringVar(&s.EPEL.After, "epel-after", s.EPEL.After, "what becomes of the EPEL repository: disabled or unchanged")
	flags.StringVar(&s.Log.Mode, "log-mode", s.Log.Mode, "permission bits of the alert log, octal")
	flags.StringVar(&s.Log.Group, "log-group", s.Log.Group, "group of the alert log")
	flags.StringVar(&s.Log.Rotate.Size, "log-rotate-size", s.Log.Rotate.Size, "rotate the alert log at this size")
	flags.IntVar(&s.Log.Rotate.Keep, "log-rotate-keep", s.Log.Rotate.Keep, "keep this many rotated logs")
	return f
}

// Environment sets every flag of flags that was not given on the command line
// from its variable. A list is one value a line. It returns the names that
// begin as ours and belong to no flag, which are most likely misspelt.
func Environment(flags *pflag.FlagSet, environ []string) (unknown []string, err error) {
	names := map[string]*pflag.Flag{}
	flags.VisitAll(func(f *pflag.Flag) {
		names[EnvName(f.Name)] = f
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

// EnvName is the environment variable of a flag.
func EnvName(flag string) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// FlagName is the flag of an environment variable.
func FlagName(variable string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(variable, EnvPrefix), "_", "-"))
}

// setFlag sets a flag from the environment: a repeatable one line by line.
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
	s = s.Clone()
	for name, copyTo := range f.fields(&s) {
		if f.flags.Changed(name) {
			copyTo()
		}
	}
	for _, text := range f.set {
		d, err := falcoconf.ParseSetting(text)
		if err != nil {
			return Settings{}, &KeyError{Key: "--set " + text, Reason: err.Error(), Hint: "KEY=VALUE, for example --set json_output=true"}
		}
		s.Declare(d)
	}
	return s, nil
}

// fields says which setting each flag stands for.
func (f *Flags) fields(s *Settings) map[string]func() {
	o := &f.over
	return map[string]func(){
		"driver":             func() { s.Falco.Driver = o.Falco.Driver },
		"falco-version":      func() { s.Falco.Version = o.Falco.Version },
		"rules-follow":       func() { s.Falco.RulesFollow = o.Falco.RulesFollow },
		"falco-rpm":          func() { s.Falco.RPM = o.Falco.RPM },
		"repository-id":      func() { s.Repository.ID = o.Repository.ID },
		"repository-baseurl": func() { s.Repository.BaseURL = o.Repository.BaseURL },
		"repository-gpgkey":  func() { s.Repository.GPGKey = o.Repository.GPGKey },
		"fingerprint":        func() { s.Repository.Fingerprints = o.Repository.Fingerprints },
		"repo-gpgcheck":      func() { s.Repository.RepoGPGCheck = o.Repository.RepoGPGCheck },
		"insecure":           func() { s.Repository.Insecure = o.Repository.Insecure },
		"warn-days":          func() { s.Repository.WarnDays = o.Repository.WarnDays },
		"epel-after":         func() { s.EPEL.After = o.EPEL.After },
		"log-mode":           func() { s.Log.Mode = o.Log.Mode },
		"log-group":          func() { s.Log.Group = o.Log.Group },
		"log-rotate-size":    func() { s.Log.Rotate.Size = o.Log.Rotate.Size },
		"log-rotate-keep":    func() { s.Log.Rotate.Keep = o.Log.Rotate.Keep },
	}
}
