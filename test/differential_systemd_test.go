// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// commandMutants is how many units are compared at most; each costs systemd and the bus
// some milliseconds.
const commandMutants = 300

// mutantUnit returns a unit whose commands are written as people and generators do.
func mutantUnit(r *rand.Rand) string {
	pieces := []string{
		"a", "-c", " ", "  ", "\t", "'", `"`, `'b c'`, `"b c"`, `\x41`, `\n`, `\s`, `\101`, `\u00e9`, `\q`, `\\`, `\"`, "$HOME", "${HOME}", "$$", "=", "#", ",", "é",
		" \\\n", " \\\n# c\n", " \\\n; c\n", "\\\n", "--o=x y", `""`, "''",
	}
	var b strings.Builder
	b.WriteString("[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStop=/bin/true\n")
	for range 1 + r.IntN(2) {
		b.WriteString([]string{"ExecStart=", "ExecStart = ", " ExecStart=", "ExecStart=\n"}[r.IntN(4)])
		if !strings.HasSuffix(b.String(), "\n") {
			b.WriteString("/bin/echo ")
			for range r.IntN(9) {
				b.WriteString(pieces[r.IntN(len(pieces))])
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

// commands are the commands of a unit as the agent reads them from its file. systemd
// reads no further than an error, and does not start the unit.
func commands(text string) [][]string {
	all := [][]string{}
	for _, value := range systemd.List([]systemd.UnitFile{{Path: "/etc/systemd/system/x.service", Content: []byte(text)}}, "Service", "ExecStart") {
		words, err := systemd.CommandWords(value.Value)
		if err != nil {
			break
		}
		if len(words) > 0 {
			all = append(all, words)
		}
	}
	return all
}

// The agent splits the commands of a unit into words as systemd does.
func TestCommandsAreReadAlike(t *testing.T) {
	t.Parallel()
	n := Start(t, Setup{})
	r := rand.New(rand.NewPCG(1, 2))
	total := min(mutantsWanted(t), commandMutants)
	units := make([]string, total)
	var script strings.Builder
	for i := range units {
		units[i] = mutantUnit(r)
		n.WriteFile(fmt.Sprintf("/etc/systemd/system/mutant-%d.service", i), units[i])
		fmt.Fprintf(&script, "busctl --json=short get-property org.freedesktop.systemd1 /org/freedesktop/systemd1/unit/mutant_2d%d_2eservice org.freedesktop.systemd1.Service ExecStart || echo '{}'\n", i)
	}
	n.Must("systemctl daemon-reload")
	lines := slices.Collect(strings.Lines(n.Must(script.String())))
	if len(lines) != total {
		t.Fatalf("%d answers for %d units", len(lines), total)
	}
	compared := 0
	for i, line := range lines {
		var property struct{ Data [][]any }
		if err := json.Unmarshal([]byte(line), &property); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		theirs := [][]string{}
		for _, command := range property.Data {
			words := []string{}
			for _, word := range command[1].([]any) {
				words = append(words, fmt.Sprint(word))
			}
			theirs = append(theirs, words)
			compared += len(words)
		}
		if ours := commands(units[i]); fmt.Sprintf("%q", ours) != fmt.Sprintf("%q", theirs) {
			t.Errorf("the agent reads %q, systemd %q:\n%s", ours, theirs, units[i])
		}
	}
	if compared < total {
		t.Errorf("only %d words of %d units were compared", compared, total)
	}
}
