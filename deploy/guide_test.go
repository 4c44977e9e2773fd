// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const guide = "../docs/oke.md"

// commands returns the blocks of shell in docs/oke.md.
func commands(t *testing.T) []string {
	t.Helper()
	var blocks []string
	for i, part := range strings.Split(read(t, guide), "\n```") {
		language, block, _ := strings.Cut(part, "\n")
		if i%2 == 0 || language != "" || strings.HasPrefix(block, "search ") || strings.HasPrefix(block, "ocarun ") {
			continue
		}
		blocks = append(blocks, block+"\n")
	}
	return blocks
}

func TestGuidesCommandsAreShell(t *testing.T) {
	blocks := commands(t)
	if len(blocks) < 6 {
		t.Fatalf("docs/oke.md has %d blocks of shell, want them all", len(blocks))
	}
	for _, block := range blocks {
		if status, out := command(t, nil, "bash", "-n", "-c", block); status != 0 {
			t.Errorf("bash -n = %d\n%s\n%s", status, block, out)
		}
	}
}

func TestGuidesFilesExist(t *testing.T) {
	for _, path := range regexp.MustCompile("[`/ ]deploy/[A-Za-z0-9_./-]*[A-Za-z0-9_]").FindAllString(strings.ReplaceAll(read(t, guide), " deploy/nginx", ""), -1) {
		if _, err := os.Stat(filepath.Join("..", path[1:])); err != nil {
			t.Errorf("docs/oke.md names %s: %v", path[1:], err)
		}
	}
}

// find returns the block of docs/oke.md that contains a text.
func find(t *testing.T, text string) string {
	t.Helper()
	for _, block := range commands(t) {
		if strings.Contains(block, text) {
			return block
		}
	}
	t.Fatalf("docs/oke.md has no command with %q", text)
	return ""
}

func TestGuideFindsNodesWithoutAReport(t *testing.T) {
	tool(t, "jq")
	dir := t.TempDir()
	write(t, filepath.Join(dir, "kubectl"), "#!/bin/sh\nprintf 'oke-c\\noke-a\\noke-b\\n'\n", 0o755)
	write(t, filepath.Join(dir, "oci"), `#!/bin/sh
echo '{"data": {"results": [{"data": {"count": 4, "data.host.hostname": "oke-b.sub.vcn.oraclevcn.com"}}, {"data": {"count": 1, "data.host.hostname": "oke-a"}}]}}'
`, 0o755)
	status, out := command(t, []string{"PATH=" + dir + ":" + os.Getenv("PATH")}, "bash", "-c", find(t, "comm -23"))
	if status != 0 || out != "oke-c\n" {
		t.Errorf("the command = %d, %q, want the node that did not report", status, out)
	}
}

func TestGuidesFleetCommands(t *testing.T) {
	run, dir := fleet(t, "a\n")
	for _, line := range strings.Split(find(t, "./fleet.sh send"), "\n") {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != "./fleet.sh" {
			continue
		}
		// The stand-in has no node pools.
		args := strings.Fields(strings.ReplaceAll(strings.Join(fields[1:], " "), " --pool OCID", ""))
		out := args[0:1:1]
		for i := 1; i+1 < len(args); i += 2 {
			if args[i] != "--out" {
				out = append(out, args[i], args[i+1])
			}
		}
		if status, text := run(out...); status != 0 {
			t.Errorf("%s = %d, want 0\n%s", line, status, text)
		}
	}
	if got := calls(t, dir, "instance-agent command create"); got != 1 {
		t.Errorf("%d commands, want one", got)
	}
}

// The size and the hash that the guide's line prints are what the settings block takes.
func TestGuidesPins(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "falco-bootstrap"), "program", 0o755)
	_, block, _ := strings.Cut(read(t, guide), "  ```\n  stat -c")
	block, _, _ = strings.Cut("stat -c"+block, "```")
	status, out := command(t, nil, "bash", "-c", "cd "+dir+"\n"+block)
	if want := "7\n1310ca2c8932dbd118668bd97442558a3e1f546b5e15c69699dfbd6024f548d8  falco-bootstrap\n"; status != 0 || out != want {
		t.Errorf("the command = %d, %q, want %q", status, out, want)
	}
}
