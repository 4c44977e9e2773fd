// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A CommandLine is Falco's parsed command line.
//
// Falco 0.32 to 0.44 reads them with cxxopts 3.0.0: falcosecurity/falco
// cmake/modules/cxxopts.cmake, jarro2783/cxxopts include/cxxopts.hpp. cxxopts
// reads "-c FILE", "-o KEY=VALUE", "--option KEY=VALUE" and
// "--option=KEY=VALUE". It refuses "-c/FILE" and "-oKEY=VALUE": only letters and
// digits may follow a dash. No Falco has "--config" or "--rules". Words that Falco
// refuses are still read as they are meant, and are in Refused.
type CommandLine struct {
	Config          string   // -c; "" where Falco reads [ConfigFile]
	Overrides       []string // -o, as KEY=VALUE, in order
	Rules           []string // -r; they replace rules_files
	DisabledRules   []string // -D: substrings of names; before 0.39
	DisabledTags    []string // -T; before 0.39
	EnabledTags     []string // -t: all other rules are off; before 0.39
	DisabledSources []string // --disable-source
	EnabledSources  []string // --enable-source: all other sources are off
	Engine          string   // engine.kind as an option sets it, or ""
	Exits           string   // the option after which Falco prints something and exits, or ""
	Options         []Option // all options, in order
	Ignored         []string // words that Falco ignores
	Refused         []string // words, each of which makes Falco exit with 1
	Refusal         string   // the first reason why Falco refuses the command line, in its words, or ""
}

// An Option is one option with its value.
type Option struct {
	Name  string // without dashes; the long name if there is one
	Value string // "true" for an option that takes none
}

// ParseCommandLine reads the arguments of a Falco, its own name first. A version
// that cannot be read counts as the newest.
func ParseCommandLine(falcoVersion string, argv []string) CommandLine {
	p := optionReader{version: falcoVersion}
	if len(argv) > 0 {
		p.rest = argv[1:]
	}
	for len(p.rest) > 0 {
		word := p.rest[0]
		p.rest = p.rest[1:]
		if word == "--" {
			p.line.Ignored = append(p.line.Ignored, p.rest...)
			break
		}
		p.word(word)
	}
	p.judge()
	return p.line
}

// MainFile returns the main configuration file.
func (c CommandLine) MainFile() string { return cmp.Or(c.Config, ConfigFile) }

// Option returns the last value of an option by its name without dashes, and
// whether it is set.
func (c CommandLine) Option(name string) (string, bool) {
	return last(c.Options, func(o Option) (string, bool) { return o.Value, o.Name == name })
}

// Override returns the last value that -o gives to a key, and whether there is
// one. It compares keys as they are spelled.
func (c CommandLine) Override(key string) (string, bool) {
	return last(c.Overrides, func(s string) (string, bool) {
		k, value, ok := strings.Cut(s, "=")
		return value, ok && k == key
	})
}

func last[T any](all []T, is func(T) (string, bool)) (string, bool) {
	for _, one := range slices.Backward(all) {
		if value, ok := is(one); ok {
			return value, true
		}
	}
	return "", false
}

// An optionReader reads words in order.
type optionReader struct {
	version string
	rest    []string
	line    CommandLine
}

func (p *optionReader) word(word string) {
	name, value, joined := strings.Cut(strings.TrimPrefix(word, "--"), "=")
	switch {
	case word == "-" || !strings.HasPrefix(word, "-"):
		p.line.Ignored = append(p.line.Ignored, word)
	case !strings.HasPrefix(word, "--"):
		p.short(word)
	case len(name) < 2 || !isOptionName(name):
		p.refuse(word, fmt.Sprintf("Argument '%s' starts with a - but has incorrect syntax", word))
	default:
		p.long(word, name, value, joined)
	}
}

// long reads --name, --name VALUE or --name=VALUE.
func (p *optionReader) long(word, name, value string, joined bool) {
	o, known := p.find(name)
	if !known {
		p.refuse(word, noOption(name))
		meant := map[string]string{"config": "c", "rules": "r"}[name]
		if o, known = p.find(meant); !known {
			return
		}
	}
	switch {
	case joined:
		p.set(o, value)
	case o.arg == none || o.arg == optional:
		p.set(o, o.implicit())
	default:
		p.next(word, name, o)
	}
}

// short reads one or several options after a dash. The value of an option is the
// rest of the word, or the next word.
func (p *optionReader) short(word string) {
	letters := word[1:]
	wellFormed := strings.IndexFunc(letters, func(r rune) bool { return !isAlnum(r) }) < 0
	if !wellFormed {
		p.refuse(word, fmt.Sprintf("Argument '%s' starts with a - but has incorrect syntax", word))
	}
	for i := range len(letters) {
		o, known := p.find(letters[i : i+1])
		switch {
		case !known:
			if wellFormed {
				p.refuse(word, noOption(letters[i:i+1]))
			}
			return
		case o.arg == none || o.arg == optional:
			p.set(o, o.implicit())
		case i+1 < len(letters):
			p.set(o, strings.TrimPrefix(letters[i+1:], "="))
			return
		default:
			p.next(word, letters[i:], o)
		}
	}
}

// next takes the next word as the value, even if it begins with a dash.
func (p *optionReader) next(word, name string, o option) {
	if len(p.rest) == 0 {
		p.refuse(word, fmt.Sprintf("Option '%s' is missing an argument", name))
		return
	}
	value := p.rest[0]
	p.rest = p.rest[1:]
	p.set(o, value)
}

func (p *optionReader) refuse(word, why string) {
	p.line.Refused = append(p.line.Refused, word)
	p.line.Refusal = cmp.Or(p.line.Refusal, why)
}

func noOption(name string) string { return fmt.Sprintf("Option '%s' does not exist", name) }

func (p *optionReader) set(o option, value string) {
	if o.arg == none {
		on, ok := optionBool(value)
		if !ok {
			p.refuse("--"+o.name()+"="+value, fmt.Sprintf("Argument '%s' failed to parse", value))
			return
		}
		if !on {
			return
		}
		value = "true"
	}
	for _, v := range p.split(o, value) {
		p.line.Options = append(p.line.Options, Option{o.name(), v})
		p.file(o.name(), v)
	}
}

// split takes a list apart at commas, as every Falco before 0.39.1 does:
// falcosecurity/falco userspace/falco/app/options.cpp, CXXOPTS_VECTOR_DELIMITER.
func (p *optionReader) split(o option, value string) []string {
	if o.arg != list || value == "" || !before(p.version, "0.39.1") {
		return []string{value}
	}
	return strings.Split(strings.TrimSuffix(value, ","), ",")
}

func (p *optionReader) file(name, value string) {
	c := &p.line
	lists := map[string]*[]string{
		"option": &c.Overrides, "r": &c.Rules, "D": &c.DisabledRules, "T": &c.DisabledTags, "t": &c.EnabledTags,
		"disable-source": &c.DisabledSources, "enable-source": &c.EnabledSources,
	}
	switch into, ok := lists[name]; {
	case ok:
		*into = append(*into, value)
	case name == "c":
		c.Config = value
	}
	if c.Exits == "" && slices.Contains(exiting(), name) {
		c.Exits = name
	}
}

// judge draws the conclusions from all options. Where both an option and -o set
// the engine, Falco 0.37 ignores the option:
// userspace/falco/app/actions/load_config.cpp.
func (p *optionReader) judge() {
	c := &p.line
	switch {
	case c.Refusal != "":
	case len(c.EnabledTags) > 0 && len(c.DisabledRules)+len(c.DisabledTags) > 0:
		c.Refusal = "You can not specify both disabled (-D/-T) and enabled (-t) rules"
	case len(c.EnabledSources) > 0 && len(c.DisabledSources) > 0:
		c.Refusal = "You can not mix --enable-source and --disable-source"
	}
	for _, e := range []struct{ option, kind string }{
		{"modern-bpf", ModernEBPF}, {"nodriver", "nodriver"}, {"gvisor-config", "gvisor"}, {"e", "replay"}, {"userspace", "userspace"},
	} {
		if _, ok := c.Option(e.option); ok && c.Engine == "" {
			c.Engine = e.kind
		}
	}
	if kind, ok := c.Override("engine.kind"); ok {
		c.Engine = kind
	}
}

// optionBool reads a boolean as cxxopts does.
func optionBool(value string) (on, ok bool) {
	switch value {
	case "true", "True", "t", "T", "1":
		return true, true
	case "false", "False", "f", "F", "0":
		return false, true
	}
	return false, false
}

func isAlnum(r rune) bool {
	return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

func isOptionName(name string) bool {
	return isAlnum(rune(name[0])) && strings.IndexFunc(name, func(r rune) bool { return !isAlnum(r) && r != '-' && r != '_' }) < 0
}
