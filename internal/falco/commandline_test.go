// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var commandLineTests = []struct {
	name, version, args string // words with one space between them
	want                CommandLine
}{
	{name: "the unit's own", version: "0.44.1", args: "-o engine.kind=modern_ebpf", want: CommandLine{Overrides: []string{"engine.kind=modern_ebpf"}, Engine: ModernEBPF}},
	{name: "the unit's own, old", version: "0.33.0", args: "--pidfile=/var/run/falco.pid --modern-bpf", want: CommandLine{Engine: ModernEBPF}},
	{name: "nothing", version: "0.44.1"},
	{name: "a file", version: "0.44.1", args: "-c /etc/f.yaml", want: CommandLine{Config: "/etc/f.yaml"}},
	{name: "the last file counts", version: "0.44.1", args: "-c a -c b", want: CommandLine{Config: "b"}},
	{name: "a value that begins with a dash", version: "0.44.1", args: "-c -v", want: CommandLine{Config: "-v"}},
	{name: "letters and digits only may be joined", version: "0.44.1", args: "-cfile", want: CommandLine{Config: "file"}},
	{
		name: "a joined path is refused", version: "0.44.1", args: "-c/etc/f.yaml",
		want: CommandLine{Config: "/etc/f.yaml", Refused: []string{"-c/etc/f.yaml"}, Refusal: "Argument '-c/etc/f.yaml' starts with a - but has incorrect syntax"},
	},
	{
		name: "no Falco has --config", version: "0.44.1", args: "--config /etc/f.yaml",
		want: CommandLine{Config: "/etc/f.yaml", Refused: []string{"--config"}, Refusal: "Option 'config' does not exist"},
	},
	{
		name: "--config with an equals sign", version: "0.44.1", args: "--config=/etc/f.yaml",
		want: CommandLine{Config: "/etc/f.yaml", Refused: []string{"--config=/etc/f.yaml"}, Refusal: "Option 'config' does not exist"},
	},
	{name: "no Falco has --rules", args: "--rules a.yaml", want: CommandLine{Rules: []string{"a.yaml"}, Refused: []string{"--rules"}, Refusal: "Option 'rules' does not exist"}},
	{
		name: "all forms of -o", version: "0.44.1", args: "-o a=1 --option b=2 --option=c=3 -U -o d=x=y",
		want: CommandLine{Overrides: []string{"a=1", "b=2", "c=3", "d=x=y"}},
	},
	{
		name: "a joined -o is refused", version: "0.44.1", args: "-oa=1 -o b=2",
		want: CommandLine{Overrides: []string{"a=1", "b=2"}, Refused: []string{"-oa=1"}, Refusal: "Argument '-oa=1' starts with a - but has incorrect syntax"},
	},
	{name: "commas, before 0.39.1", version: "0.39.0", args: "-o a=1,b=2, -r x,y", want: CommandLine{Overrides: []string{"a=1", "b=2"}, Rules: []string{"x", "y"}}},
	{name: "commas, since", version: "0.39.1", args: "-o a=1,b=2", want: CommandLine{Overrides: []string{"a=1,b=2"}}},
	{name: "grouped", version: "0.44.1", args: "-Uvc f.yaml", want: CommandLine{Config: "f.yaml"}},
	{name: "grouped with a value in the middle", version: "0.44.1", args: "-Uoabc", want: CommandLine{Overrides: []string{"abc"}}},
	{name: "grouped with an unknown option", version: "0.44.1", args: "-Uz", want: CommandLine{Refused: []string{"-Uz"}, Refusal: "Option 'z' does not exist"}},
	{name: "rules", version: "0.44.1", args: "-r /etc/a.yaml -r /etc/b", want: CommandLine{Rules: []string{"/etc/a.yaml", "/etc/b"}}},
	{
		name: "rules are disabled", version: "0.38.2", args: "-D shell -D sensitive -T network",
		want: CommandLine{DisabledRules: []string{"shell", "sensitive"}, DisabledTags: []string{"network"}},
	},
	{name: "removed in 0.39", version: "0.39.2", args: "-D shell", want: CommandLine{Refused: []string{"-D"}, Refusal: "Option 'D' does not exist", Ignored: []string{"shell"}}},
	{name: "rules are enabled by tag", version: "0.38.2", args: "-t file", want: CommandLine{EnabledTags: []string{"file"}}},
	{
		name: "both", version: "0.38.2", args: "-t file -D shell",
		want: CommandLine{EnabledTags: []string{"file"}, DisabledRules: []string{"shell"}, Refusal: "You can not specify both disabled (-D/-T) and enabled (-t) rules"},
	},
	{name: "sources", version: "0.44.1", args: "--disable-source syscall --disable-source=k8s_audit", want: CommandLine{DisabledSources: []string{"syscall", "k8s_audit"}}},
	{
		name: "both sources", version: "0.44.1", args: "--disable-source a --enable-source b",
		want: CommandLine{DisabledSources: []string{"a"}, EnabledSources: []string{"b"}, Refusal: "You can not mix --enable-source and --disable-source"},
	},
	{name: "a capture file", version: "0.37.1", args: "-e /tmp/x.scap", want: CommandLine{Engine: "replay"}},
	{name: "no driver", version: "0.37.1", args: "--nodriver -A", want: CommandLine{Engine: "nodriver"}},
	{name: "-o beats the option", version: "0.37.1", args: "--modern-bpf -o engine.kind=kmod", want: CommandLine{Engine: Kmod, Overrides: []string{"engine.kind=kmod"}}},
	{name: "the last -o counts", version: "0.44.1", args: "-o engine.kind=kmod -o engine.kind=replay", want: CommandLine{Engine: "replay", Overrides: []string{"engine.kind=kmod", "engine.kind=replay"}}},
	{name: "--modern-bpf is gone", version: "0.38.0", args: "--modern-bpf", want: CommandLine{Refused: []string{"--modern-bpf"}, Refusal: "Option 'modern-bpf' does not exist"}},
	{name: "-A is gone", version: "0.44.1", args: "-A", want: CommandLine{Refused: []string{"-A"}, Refusal: "Option 'A' does not exist"}},
	{name: "a daemon", version: "0.35.1", args: "-d -P /run/x", want: CommandLine{}},
	{name: "a boolean that is off", version: "0.44.1", args: "--dry-run=false", want: CommandLine{}},
	{name: "not a boolean", version: "0.44.1", args: "--dry-run=maybe", want: CommandLine{Refused: []string{"--dry-run=maybe"}, Refusal: "Argument 'maybe' failed to parse"}},
	{name: "it only prints", version: "0.44.1", args: "--list syscall", want: CommandLine{Exits: "list", Ignored: []string{"syscall"}}},
	{name: "it only checks", version: "0.44.1", args: "-V a.yaml -V b.yaml", want: CommandLine{Exits: "validate"}},
	{name: "words are ignored", version: "0.44.1", args: "- x -- -c y", want: CommandLine{Ignored: []string{"-", "x", "-c", "y"}}},
	{name: "the value is missing", version: "0.44.1", args: "-c", want: CommandLine{Refused: []string{"-c"}, Refusal: "Option 'c' is missing an argument"}},
	{name: "one letter after two dashes", version: "0.44.1", args: "--c", want: CommandLine{Refused: []string{"--c"}, Refusal: "Argument '--c' starts with a - but has incorrect syntax"}},
	{name: "an empty file", version: "0.44.1", args: "-c ", want: CommandLine{}},
	{name: "three dashes", version: "0.44.1", args: "---x", want: CommandLine{Refused: []string{"---x"}, Refusal: "Argument '---x' starts with a - but has incorrect syntax"}},
}

func TestParseCommandLine(t *testing.T) {
	for _, test := range commandLineTests {
		argv := []string{Program}
		if test.args != "" {
			argv = append(argv, strings.Split(test.args, " ")...)
		}
		got := ParseCommandLine(test.version, argv)
		if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(CommandLine{}, "Options")); diff != "" {
			t.Errorf("%s: ParseCommandLine(%q, %q) (-want +got):\n%s", test.name, test.version, argv, diff)
		}
	}
	if got := ParseCommandLine("", nil); !cmp.Equal(got, CommandLine{}) {
		t.Errorf("ParseCommandLine without words = %+v", got)
	}
}

func TestCommandLineOption(t *testing.T) {
	c := ParseCommandLine("0.44.1", []string{"falco", "-P", "/run/a", "-Uv", "--pidfile=/run/b", "-o", "a=1", "-o", "a=2"})
	if v, ok := c.Option("pidfile"); v != "/run/b" || !ok {
		t.Errorf("Option(pidfile) = %q, %v, want the last", v, ok)
	}
	if v, ok := c.Option("unbuffered"); v != "true" || !ok {
		t.Errorf("Option(unbuffered) = %q, %v, want true", v, ok)
	}
	if v, ok := c.Option("U"); ok {
		t.Errorf("Option(U) = %q, want none: it has a long name", v)
	}
	if v, ok := c.Override("a"); v != "2" || !ok {
		t.Errorf("Override(a) = %q, %v, want the last", v, ok)
	}
}

// Every refused word has a reason, and every value comes from the arguments. Words
// that are added at the end change no option before them.
func FuzzParseCommandLine(f *testing.F) {
	for _, test := range commandLineTests {
		f.Add(test.version, test.args)
	}
	f.Fuzz(func(t *testing.T, version, args string) {
		words := strings.Split(args, " ")
		argv := append([]string{Program}, words...)
		c := ParseCommandLine(version, argv)
		if len(c.Refused) > 0 && c.Refusal == "" {
			t.Fatalf("%q: %q are refused without a reason", args, c.Refused)
		}
		for _, o := range c.Options {
			if o.Value != "true" && o.Value != "" && !strings.Contains(args, o.Value) {
				t.Fatalf("%q: the value %q of %s comes from nowhere", args, o.Value, o.Name)
			}
		}
		more := ParseCommandLine(version, append(slices.Clone(argv), "word"))
		if n := len(c.Options); len(more.Options) < n || !slices.Equal(more.Options[:n], c.Options) {
			t.Fatalf("%q: one more word changes %v to %v", args, c.Options, more.Options)
		}
	})
}
