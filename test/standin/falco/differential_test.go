// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
)

// configMutants is how many configurations are compared, and FALCO_BOOTSTRAP_MUTANTS
// another number, for long runs.
const configMutants = 400

// compared are the scalars that are compared, and what they mean where they are not set.
var compared = map[string]string{
	"priority": "debug", "json_output": "false", "file_output.enabled": "false", "file_output.filename": "", "file_output.keep_alive": "false",
	"webserver.enabled": "true", "webserver.listen_port": "8765", "watch_config_files": "true", "engine.kind": "modern_ebpf", "log_stderr": "true", "stdout_output.enabled": "false",
}

// mutateConfig changes a configuration as people do.
func mutateConfig(r *rand.Rand, text string) string {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	lines := strings.SplitAfter(text, "\n")
	value := func() string {
		return pick("true", "false", `"true"`, "'false'", "yes", "on", "True", "8765", "0x10", "error", `"a b"`, "", "~", "/x # c", "a#b", "[x]", "{a: b}", "|\n  x\n", ">-\n  x\n  y\n", "&a true", "!!str true", `"\x41"`, "''", "- x")
	}
	for range 1 + r.IntN(3) {
		at := r.IntN(len(lines))
		switch r.IntN(7) {
		case 0:
			lines[at] = ""
		case 1:
			lines[at] += lines[r.IntN(len(lines))]
		case 2:
			if key, _, found := strings.Cut(lines[at], ":"); found {
				lines[at] = key + ": " + value() + "\n"
			}
		case 3:
			lines[at] = pick("# ", " ", "  ", "\t") + lines[at]
		case 4:
			lines[at] = strings.TrimPrefix(strings.TrimPrefix(lines[at], "  "), "# ")
		case 5:
			lines[at] += pick("json_output", "priority", "log_stderr", "watch_config_files") + pick(": ", " : ", ":  ") + value() + pick("\n", " \n", " # c\n", "\r\n")
		case 6:
			lines[at] += pick("file_output", "webserver", "stdout_output", "engine") + ":" + pick("\n", " # c\n") + pick("  ", "    ") + pick("enabled", "filename", "listen_port", "kind", "keep_alive") + ": " + value() + "\n"
		}
	}
	return strings.Join(lines, "")
}

// The agent makes of a configuration and its fragments what Falco makes of it: the
// stand-in, and with FALCO_BINARY the real one.
func TestConfigurationsAreReadAlike(t *testing.T) {
	n := configMutants
	if text := os.Getenv("FALCO_BOOTSTRAP_MUTANTS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	same := 0
	for seed := range uint64(n) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := newSetup(t, "0.44.1")
		s.write("falco.yaml", mutateConfig(r, good))
		for _, name := range []string{"a", "b.yaml"}[:r.IntN(3)] {
			s.write("config.d/"+name, mutateConfig(r, "file_output:\n  enabled: true\n  filename: /f\nwebserver:\n  enabled: false\njson_output: true\n"))
		}
		if s.sameAsAgent(seed) {
			same++
		}
	}
	if same < n/4 {
		t.Errorf("only %d of %d configurations could be compared", same, n)
	}
	t.Logf("%d of %d configurations are valid, and read alike", same, n)
}

// sameAsAgent compares what both make of the configuration; false if it is not valid.
func (s *setup) sameAsAgent(seed uint64) bool {
	s.t.Helper()
	a := s.app
	a.log = &logger{stderr: io.Discard}
	main := filepath.Join(s.dir, "falco.yaml")
	var err error
	if a.opts, err = parseOptions([]string{"-c", main}, a.minor); err != nil {
		s.t.Fatal(err)
	}
	var theirs func(path, otherwise string) string
	if binary := os.Getenv("FALCO_BINARY"); binary != "" {
		if theirs, err = asked(binary, main); err != nil {
			return false
		}
	} else {
		st, err := a.readConfig()
		if err != nil {
			return false
		}
		theirs = st.text
	}
	config, err := falcoconf.Load(os.DirFS("/"), main, falcoconf.Start{Version: s.app.version})
	if err != nil {
		s.t.Errorf("seed %d: Load = %v, and Falco reads it:\n%s", seed, err, s.texts())
		return false
	}
	for path, otherwise := range compared {
		ours, known := config.Text(path, otherwise)
		if want := theirs(path, otherwise); known && ours != want {
			s.t.Errorf("seed %d: %s is %q, and Falco reads %q:\n%s", seed, path, ours, want, s.texts())
		}
	}
	return true
}

func (s *setup) texts() string {
	var all strings.Builder
	for _, pattern := range []string{"falco.yaml", "config.d/*"} {
		names, _ := filepath.Glob(filepath.Join(s.dir, pattern))
		for _, name := range names {
			content, _ := os.ReadFile(name)
			fmt.Fprintf(&all, "== %s\n%s", filepath.Base(name), content)
		}
	}
	return all.String()
}

// asked asks a real Falco for the configuration that it would use.
func asked(binary, main string) (func(path, otherwise string) string, error) {
	out, err := exec.Command(binary, "-c", main, "--support", "-o", "log_syslog=false").Output()
	if err != nil {
		return nil, err
	}
	var support struct{ Config string }
	var config map[string]any
	if err := json.Unmarshal(out, &support); err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(support.Config), &config); err != nil {
		return nil, err
	}
	return func(path, otherwise string) string {
		var at any = config
		for key := range strings.SplitSeq(path, ".") {
			m, _ := at.(map[string]any)
			at = m[key]
		}
		if at == nil {
			return otherwise
		}
		return fmt.Sprint(at)
	}, nil
}
