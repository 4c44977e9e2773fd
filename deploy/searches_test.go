// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package deploy_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/alert"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
)

// The alerts of a proof and of a person, as Falco 0.44.1 writes them.
const (
	textProof  = "20:20:05.559837759: Warning Sensitive file opened for reading by non-trusted program | file=/etc/shadow gparent=systemd process=" + alert.MarkerPrefix + "ABC234 proc_exepath=/usr/bin/falco-bootstrap parent=falco-bootstrap command=" + alert.MarkerPrefix + "ABC234 " + alert.ProbeCommand + " /etc/shadow terminal=0"
	jsonProof  = `{"output":"x","output_fields":{"fd.name":"/etc/shadow","proc.cmdline":"` + alert.MarkerPrefix + `ABC234 ` + alert.ProbeCommand + ` /etc/shadow","proc.name":"` + alert.MarkerPrefix + `ABC234"},"rule":"` + falco.SensitiveFileRule + `"}`
	textPerson = "20:20:05.559837759: Warning Sensitive file opened for reading by non-trusted program | file=/etc/shadow gparent=sshd process=cat proc_exepath=/usr/bin/cat parent=bash command=cat /etc/shadow terminal=1"
	jsonPerson = `{"output":"x","output_fields":{"fd.name":"/etc/shadow","proc.cmdline":"cat /etc/shadow","proc.name":"cat"},"rule":"` + falco.SensitiveFileRule + `"}`
)

// isProof matches the condition of a search for the alerts of proofs.
var isProof = regexp.MustCompile(`(?:data\.rule = '([^']*)' and )?logContent = '(\*[^']*fb-probe-[^']*\*)'`)

// matches evaluates a condition as the logging service does: a pattern with * for any
// text, over the whole entry.
func matches(condition []string, line string) bool {
	if rule := condition[1]; rule != "" && !strings.Contains(line, `"rule":"`+rule+`"`) {
		return false
	}
	pattern := "(?s)^" + strings.ReplaceAll(regexp.QuoteMeta(condition[2]), `\*`, ".*") + "$"
	return regexp.MustCompile(pattern).MatchString(line)
}

// Every search that is shipped or documented leaves out the alerts of the agent's own
// proofs, and no other.
func TestSearchesLeaveOutProofs(t *testing.T) {
	found := 0
	for _, file := range searched(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, condition := range isProof.FindAllStringSubmatch(string(text), -1) {
			found++
			proof, person := textProof, textPerson
			if condition[1] != "" {
				proof, person = jsonProof, jsonPerson
			}
			if !matches(condition, proof) || matches(condition, person) || condition[1] != "" && matches(condition, textProof) {
				t.Errorf("%s: %q does not tell proofs from other alerts", file, condition[0])
			}
		}
		// A query of the alert log has such a condition, itself or by its name.
		for _, query := range regexp.MustCompile(`(?m)search \\?"[^|]*(alerts\.id|<falco-alerts>)[^|]*\|([^|]*)\|`).FindAllStringSubmatch(string(text), -1) {
			if !isProof.MatchString(query[2]) && !strings.Contains(query[2], "local.is_proof") {
				t.Errorf("%s: the search %q leaves out no proofs", file, query[0])
			}
		}
	}
	if found < 4 {
		t.Errorf("%d conditions were found, want at least two in Terraform and two in the documents", found)
	}
}

// searched are the files that may have searches: those that are shipped, and the
// documents.
func searched(t *testing.T) []string {
	t.Helper()
	var files []string
	for _, root := range []string{".", "../docs"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() && entry.Name() == ".terraform" {
				return filepath.SkipDir
			}
			if ext := filepath.Ext(path); err == nil && !entry.IsDir() && (ext == ".tf" || ext == ".md" || ext == ".yaml") {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return append(files, "../README.md")
}
