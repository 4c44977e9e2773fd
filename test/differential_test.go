// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/yumrepo"
)

// mutants is how many mutated files a differential test compares, and
// FALCO_BOOTSTRAP_MUTANTS another number, for long runs.
const mutants = 2000

func mutantsWanted(t *testing.T) int {
	t.Helper()
	text := os.Getenv("FALCO_BOOTSTRAP_MUTANTS")
	if text == "" {
		return mutants
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("FALCO_BOOTSTRAP_MUTANTS: %v", err)
	}
	return n
}

// repoSeeds are what mutants are made of.
var repoSeeds = []string{
	"[ol9_baseos_latest]\nname=Oracle Linux 9 BaseOS\nbaseurl=https://yum.oracle.com/repo/OracleLinux/OL9/baseos/latest/x86_64/\ngpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-oracle\ngpgcheck=1\nenabled=1\n\n[ol9_codeready]\nname=x\nbaseurl=https://yum.oracle.com/b\ngpgcheck=0\nenabled=0\n",
	"# A comment.\r\n[ol8_developer_EPEL]\r\nname = EPEL\r\nbaseurl = https://one/\r\n  https://two/ https://three/\r\ngpgcheck = yes\r\nenabled = no\r\n\r\n[other]\r\nbaseurl=https://x\r\n",
	"\xef\xbb\xbf[a]\nbaseurl=https://x\nenabled='0'\n[b]\nbaseurl=https://y\nenabled=\"1\"\ngpgcheck=True\n; c\n[a]\nenabled=1\n",
}

// mutant returns a seed with a few changes of the kind that people, editors and
// broken downloads make. It has no variables.
func mutant(r *rand.Rand, seeds []string) string {
	const alphabet = "[]=#;: \t\r\n\x00'\"01aE,"
	s := seeds[r.IntN(len(seeds))]
	for range 1 + r.IntN(4) {
		lines := strings.SplitAfter(s, "\n")
		i := r.IntN(len(lines))
		at := r.IntN(len(s) + 1)
		c := string(alphabet[r.IntN(len(alphabet))])
		switch r.IntN(8) {
		case 0:
			s = s[:at] + c + s[at:]
		case 1:
			s = s[:at] + c + s[min(len(s), at+1):]
		case 2:
			s = s[:at] + s[min(len(s), at+1+r.IntN(3)):]
		case 3:
			lines[i] += lines[r.IntN(len(lines))]
			s = strings.Join(lines, "")
		case 4:
			lines[i] = ""
			s = strings.Join(lines, "")
		case 5:
			lines[i] = []string{" ", "\t", "\r", "# ", ";", "\n", " \n"}[r.IntN(7)] + lines[i]
			s = strings.Join(lines, "")
		case 6:
			s = strings.ReplaceAll(s, "\r\n", "\n")
		case 7:
			s = s[:at] + "\r" + s[at:]
		}
	}
	return s
}

// A repository is what dnf, or the agent, makes of a section.
type repository struct {
	Enabled  bool     `json:"enabled"`
	GPGCheck bool     `json:"gpgcheck"`
	BaseURL  []string `json:"baseurl"`
}

// repositoryID is what dnf takes for the id of a repository: dnf.repo.repo_id_invalid.
var repositoryID = regexp.MustCompile(`^[A-Za-z0-9_.:-]+$`)

// readRepositories returns the repositories of a file as the agent reads them; nil if
// it says that dnf cannot.
func readRepositories(text string) map[string]repository {
	f, err := yumrepo.Parse([]byte(text))
	if err != nil {
		return nil
	}
	all := map[string]repository{}
	for _, s := range f.Sections() {
		s, _ = f.Section(s.ID)
		if s.ID == "main" || !repositoryID.MatchString(s.ID) {
			continue
		}
		value, _ := s.Get("baseurl")
		urls := []string{}
		for _, url := range yumrepo.SplitList(unquoted(value)) {
			if strings.HasPrefix(url, "/") {
				url = "file://" + url
			}
			if strings.Trim(url, "\r") != "" {
				urls = append(urls, url)
			}
		}
		all[s.ID] = repository{s.Enabled(), s.Bool("gpgcheck", false), urls}
	}
	return all
}

func unquoted(value string) string {
	if n := len(value); n > 1 && value[0] == value[n-1] && strings.Contains(`"'`, value[:1]) {
		return value[1 : n-1]
	}
	return value
}

// The agent and dnf read mutated .repo files in the same way: whether at all, which
// repositories there are, and what those are.
func TestDifferentialRepositories(t *testing.T) {
	t.Parallel()
	n := Start(t, Setup{})
	script, err := os.ReadFile("testdata/dnf/repositories.py")
	if err != nil {
		t.Fatal(err)
	}
	n.WriteFile("/srv/repositories.py", string(script))
	r := rand.New(rand.NewPCG(12, 9))
	var texts []string
	var encoded [][]byte
	for wanted := mutantsWanted(t); len(texts) < wanted; {
		text := mutant(r, repoSeeds)
		if strings.ContainsFunc(strings.TrimPrefix(text, "\xef\xbb\xbf"), func(r rune) bool { return r >= 0x80 }) {
			continue // dnf stops with a traceback at text that is not UTF-8
		}
		texts, encoded = append(texts, text), append(encoded, []byte(text))
	}
	input, err := json.Marshal(encoded)
	if err != nil {
		t.Fatal(err)
	}
	result := n.pipe(input, "python3", "/srv/repositories.py")
	var answers []map[string]repository
	if err := json.Unmarshal([]byte(result.Stdout), &answers); err != nil || len(answers) != len(texts) {
		t.Fatalf("dnf's reading: %d answers, %v: exit %d: %s", len(answers), err, result.Exit, result.Stderr)
	}
	refused, differ := 0, 0
	for i, text := range texts {
		if answers[i] == nil {
			refused++
		}
		if diff := cmp.Diff(answers[i], readRepositories(text)); diff != "" && differ < 10 {
			differ++
			t.Errorf("%q (-dnf +agent):\n%s", text, diff)
		}
	}
	t.Logf("%d mutants, of which dnf refuses %d", len(texts), refused)
	if refused == 0 || refused == len(texts) {
		t.Errorf("dnf refuses %d of %d files", refused, len(texts))
	}
}
