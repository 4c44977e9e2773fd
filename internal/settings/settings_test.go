// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
)

// defaultsWith returns the default keys of falco.yaml with pairs of path and
// value laid over them.
func defaultsWith(pairs ...any) map[string]any {
	keys := Default().Falco.Config
	for i := 0; i < len(pairs); i += 2 {
		keys[pairs[i].(string)] = pairs[i+1]
	}
	return keys
}

func TestDefaultIsUsable(t *testing.T) {
	s := Default()
	if err := s.Check(); err != nil {
		t.Fatalf("Default().Check() = %v", err)
	}
	if s.LogFile() != DefaultLog || s.LogMode() != 0o600 {
		t.Errorf("LogFile, LogMode = %q, %v", s.LogFile(), s.LogMode())
	}
}

func TestParseLaysOverTheDefaults(t *testing.T) {
	s, err := Parse("f.yaml", []byte(`
falco:
  driver: kmod
  config:
    json_output: true
    file_output: {filename: /var/log/falco/alerts.log}
repository:
  fingerprints: ["478b 2fbb c75f 4237 b731  da43 6510 6822 b35b 1b1f"]
`))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	want := defaultsWith("file_output.filename", "/var/log/falco/alerts.log", "json_output", true)
	if diff := cmp.Diff(want, s.Falco.Config); diff != "" {
		t.Errorf("Falco.Config (-want +got):\n%s", diff)
	}
	if s.Falco.Driver != "kmod" || s.Repository.ID != Default().Repository.ID {
		t.Errorf("driver %q, repository %q", s.Falco.Driver, s.Repository.ID)
	}
	if diff := cmp.Diff(Default().Repository.Fingerprints, s.Repository.Fingerprints); diff != "" {
		t.Errorf("fingerprints (-want +got):\n%s", diff)
	}
}

func TestParseErrorsNameTheLine(t *testing.T) {
	for _, tt := range []struct{ name, src, want string }{
		{"unknown key", "falco:\n  drver: kmod\n", `f.yaml:2: unknown key "drver"`},
		{"wrong type", "falco:\n  rules_follow: [1]\n", "f.yaml:2: a list is not a bool"},
		{"no duration", "proof:\n  max_age: daily\n", "f.yaml:2: the value `daily` is not a duration such as 24h"},
		{"twice", "log:\n  mode: a\nlog:\n  mode: b\n", "f.yaml:3: mapping key"},
		{"syntax", "falco: [\n", "f.yaml"},
		{"two documents", "falco: {}\n---\nlog: {}\n", "more than one YAML document"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("f.yaml", []byte(tt.src))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Parse(%q) = %v, want %q in it", tt.src, err, tt.want)
			}
		})
	}
}

func TestParseEmptyDeclaresNothing(t *testing.T) {
	for _, src := range []string{"", "# nothing\n", "falco:\n"} {
		s, err := Parse("f.yaml", []byte(src))
		if diff := cmp.Diff(Default(), s); err != nil || diff != "" {
			t.Errorf("Parse(%q) = %v (-want +got):\n%s", src, err, diff)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	for _, tt := range []struct {
		key  string
		edit func(*Settings)
	}{
		{"falco.driver", func(s *Settings) { s.Falco.Driver = "ebpf" }},
		{"falco.driver", func(s *Settings) { s.Falco.Driver = "x" }},
		{"falco.version", func(s *Settings) { s.Falco.Version = "0.44" }},
		{"falco.version", func(s *Settings) { s.Falco.Version = "0.44.1; rm -rf /" }},
		{"epel.after", func(s *Settings) { s.EPEL.After = "off" }},
		{"repository.id", func(s *Settings) { s.Repository.ID = "a b" }},
		{"repository.id", func(s *Settings) { s.Repository.ID = "" }},
		{"repository.baseurl", func(s *Settings) { s.Repository.BaseURL = "http://mirror/x" }},
		{"repository.baseurl", func(s *Settings) { s.Repository.BaseURL = "ftp://mirror/x" }},
		{"repository.baseurl", func(s *Settings) { s.Repository.BaseURL = "https://a/\ngpgcheck=0" }},
		{"repository.gpgkey", func(s *Settings) { s.Repository.GPGKey = "key.asc" }},
		{"repository.fingerprints", func(s *Settings) { s.Repository.Fingerprints = nil }},
		{"repository.fingerprints[0]", func(s *Settings) { s.Repository.Fingerprints = []string{"B35B1B1F"} }},
		{"repository.warn_days", func(s *Settings) { s.Repository.WarnDays = -1 }},
		{"log.mode", func(s *Settings) { s.Log.Mode = "0400" }},
		{"log.mode", func(s *Settings) { s.Log.Mode = "0666" }},
		{"log.mode", func(s *Settings) { s.Log.Mode = "rw" }},
		{"log.mode", func(s *Settings) { s.Log.Mode = "7777" }},
		{"log.group", func(s *Settings) { s.Log.Group = "a b" }},
		{"log.rotate.size", func(s *Settings) { s.Log.Rotate.Size = "big" }},
		{"log.rotate.keep", func(s *Settings) { s.Log.Rotate.Keep = -1 }},
		{"proof.max_age", func(s *Settings) { s.Proof.MaxAge = 0 }},
		{"proof.max_age", func(s *Settings) { s.Proof.MaxAge = -time.Hour }},
		{"falco.config: file_output.filename", func(s *Settings) { s.Declare(falcoconf.Setting{Path: "file_output.filename", Value: "events.txt"}) }},
	} {
		s := Default()
		tt.edit(&s)
		var key *KeyError
		if err := s.Check(); !errors.As(err, &key) || key.Key != tt.key {
			t.Errorf("Check() = %v, want an error of %s", err, tt.key)
		}
	}
}

func TestCheckLetsThrough(t *testing.T) {
	for name, edit := range map[string]func(*Settings){
		"file URL":         func(s *Settings) { s.Repository.GPGKey = "file:///srv/key.asc" },
		"path":             func(s *Settings) { s.Repository.BaseURL = "/srv/repo" },
		"http if insecure": func(s *Settings) { s.Repository.BaseURL, s.Repository.Insecure = "http://mirror/x", true },
		"group may read":   func(s *Settings) { s.Log.Mode = "0640" },
		"no rotation":      func(s *Settings) { s.Log.Rotate.Keep = 0 },
	} {
		s := Default()
		edit(&s)
		if err := s.Check(); err != nil {
			t.Errorf("%s: Check() = %v", name, err)
		}
	}
}

// over parses a command line and an environment over a settings file.
func over(t *testing.T, file string, environ []string, args ...string) (Settings, error) {
	t.Helper()
	flags := pflag.NewFlagSet("t", pflag.ContinueOnError)
	f := AddFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	if unknown, err := Environment(flags, environ); err != nil || len(unknown) > 0 {
		t.Fatalf("Environment(%q) = %q, %v", environ, unknown, err)
	}
	s, err := Parse("f.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	return f.Over(s)
}

func TestFlagsWinOverEnvironmentOverFile(t *testing.T) {
	file := "falco: {driver: kmod, version: 0.36.2}\nlog: {mode: \"0644\"}\n"
	environ := []string{"FALCO_BOOTSTRAP_FALCO_VERSION=0.43.1", "FALCO_BOOTSTRAP_LOG_MODE=0640", "PATH=/bin"}
	s, err := over(t, file, environ, "--falco-version=0.44.1")
	if err != nil {
		t.Fatal(err)
	}
	got := []string{s.Falco.Version, s.Log.Mode, s.Falco.Driver}
	if diff := cmp.Diff([]string{"0.44.1", "0640", "kmod"}, got); diff != "" {
		t.Errorf("flag, environment, file (-want +got):\n%s", diff)
	}
}

// Every key of the settings file is a row, and every row's key is the key of
// its field.
func TestRowsCoverTheSettingsFile(t *testing.T) {
	var s Settings
	fields := map[string]any{}
	leaves("", reflect.ValueOf(&s).Elem(), fields)
	for _, row := range Rows() {
		if fields[row.Key] != row.field(&s) {
			t.Errorf("--%s: %q is not the key of its field", row.Flag, row.Key)
		}
		if row.Help == "" {
			t.Errorf("--%s: no help", row.Flag)
		}
		delete(fields, row.Key)
	}
	for key := range fields {
		t.Errorf("%s: no row", key)
	}
}

// leaves collects pointers to the fields of v that are not structs, by key.
func leaves(prefix string, v reflect.Value, into map[string]any) {
	for i := range v.NumField() {
		key := prefix + v.Type().Field(i).Tag.Get("yaml")
		if v.Field(i).Kind() == reflect.Struct {
			leaves(key+".", v.Field(i), into)
			continue
		}
		into[key] = v.Field(i).Addr().Interface()
	}
}

// Every setting can come from a flag and from the environment.
func TestEveryFlagReachesItsSetting(t *testing.T) {
	values := map[string]string{
		"driver": "kmod", "falco-version": "0.1.2", "rules-follow": "true", "falco-rpm": "/r", "repository-id": "i",
		"repository-baseurl": "/b", "repository-gpgkey": "/g", "fingerprint": "F", "repo-gpgcheck": "false",
		"insecure": "true", "warn-days": "3", "epel-after": "unchanged", "log-mode": "0640", "log-group": "adm", "log-rotate-size": "1M",
		"log-rotate-keep": "2", "proof-max-age": "90m", "set": "a.key=true", "rules-file": "site=/srv/site.yaml",
	}
	flags := pflag.NewFlagSet("t", pflag.ContinueOnError)
	AddFlags(flags)
	flags.VisitAll(func(f *pflag.Flag) {
		value, known := values[f.Name]
		if !known {
			t.Fatalf("flag --%s has no value in this test", f.Name)
		}
		byFlag, err := over(t, "", nil, "--"+f.Name+"="+value)
		if err != nil {
			t.Fatal(err)
		}
		name := EnvName(f.Name)
		if FlagName(name) != f.Name {
			t.Errorf("FlagName(%s) = %s, want %s", name, FlagName(name), f.Name)
		}
		byEnv, err := over(t, "", []string{name + "=" + value})
		if err != nil {
			t.Fatal(err)
		}
		if cmp.Equal(Default(), byFlag) {
			t.Errorf("--%s=%s changed no setting", f.Name, value)
		}
		if diff := cmp.Diff(byFlag, byEnv); diff != "" {
			t.Errorf("--%s and %s differ (-flag +environment):\n%s", f.Name, name, diff)
		}
	})
}

func TestSetIsRepeatable(t *testing.T) {
	s, err := over(t, "", []string{"FALCO_BOOTSTRAP_SET=json_output=true\npriority=warning\n"})
	if err != nil {
		t.Fatal(err)
	}
	want := defaultsWith("json_output", true, "priority", "warning")
	if diff := cmp.Diff(want, s.Falco.Config); diff != "" {
		t.Errorf("Falco.Config (-want +got):\n%s", diff)
	}
}

func TestSetRefusesWhatIsNoKey(t *testing.T) {
	var key *KeyError
	if _, err := over(t, "", nil, "--set", "json_output"); !errors.As(err, &key) || key.Hint == "" {
		t.Errorf("--set json_output = %v, want an error with a hint", err)
	}
}

func TestEnvironmentNamesWhatBelongsToNoFlag(t *testing.T) {
	flags := pflag.NewFlagSet("t", pflag.ContinueOnError)
	AddFlags(flags)
	unknown, err := Environment(flags, []string{"FALCO_BOOTSTRAP_DRVER=kmod", "HOME=/root"})
	if diff := cmp.Diff([]string{"FALCO_BOOTSTRAP_DRVER"}, unknown); err != nil || diff != "" {
		t.Errorf("Environment: %v (-want +got):\n%s", err, diff)
	}
	if _, err := Environment(flags, []string{"FALCO_BOOTSTRAP_WARN_DAYS=soon"}); err == nil || !strings.Contains(err.Error(), "FALCO_BOOTSTRAP_WARN_DAYS") {
		t.Errorf("Environment(WARN_DAYS=soon) = %v, want an error that names it", err)
	}
}

func TestDeclareReplacesWhatLiesBelow(t *testing.T) {
	s := Settings{Falco: Falco{Config: map[string]any{"block.a": 1, "block.b": 2, "blocks": 3}}}
	s.Declare(falcoconf.Setting{Path: "block", Value: nil})
	if diff := cmp.Diff([]falcoconf.Setting{{Path: "block"}, {Path: "blocks", Value: 3}}, s.Declared()); diff != "" {
		t.Errorf("Declared (-want +got):\n%s", diff)
	}
}

// A relative path is one of the current directory.
func TestLocalPackageIsAbsolute(t *testing.T) {
	for _, rpm := range []string{"bundle", "./bundle", "/srv/bundle", ""} {
		s := Default()
		s.Falco.RPM = rpm
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		want, err := filepath.Abs(rpm)
		if rpm == "" {
			want = ""
		}
		if err != nil || s.Falco.RPM != want {
			t.Errorf("Check made %q of %q, want %q (%v)", s.Falco.RPM, rpm, want, err)
		}
	}
}
