// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// memory lists file systems that are on no disk; the first that can be written to is
// used. Falco takes a rules file by the end of its name, so a file without a name
// would not do.
func memory() []string { return []string{"/dev/shm", "/run"} }

// A staged is a list of rules files that Falco is to be asked about.
type staged struct {
	dir   string   // of the files that are not on disk yet; "" if there are none
	paths []string // in the order of the question
	names []string // old and new in turn, for messages
}

// stageRules puts the rules files that will be different into a directory that
// only root can read.
func stageRules(rules []node.RulesFile) (s staged, err error) {
	for i, r := range rules {
		path := r.Path
		if r.Content != nil {
			if s.dir == "" {
				s.dir, err = makeMemoryDir()
			}
			if err == nil {
				// The numbers keep two files of one name apart.
				path = filepath.Join(s.dir, strconv.Itoa(i), filepath.Base(r.Path))
				err = os.Mkdir(filepath.Dir(path), 0o700)
			}
			if err == nil {
				err = os.WriteFile(path, r.Content, 0o600)
			}
			if err != nil {
				s.remove()
				return staged{}, fmt.Errorf("keeping rules in memory: %w", files.Bare(err))
			}
			s.names = append(s.names, path, r.Path)
		}
		s.paths = append(s.paths, path)
	}
	return s, nil
}

func makeMemoryDir() (dir string, err error) {
	for _, parent := range memory() {
		sweepMemory(parent)
		if dir, err = os.MkdirTemp(parent, memoryDir+strconv.Itoa(os.Getpid())+"-"); err == nil {
			break
		}
	}
	return dir, err
}

// memoryDir begins the name of such a directory: falco-bootstrap-PID-RANDOM.
const memoryDir = "falco-bootstrap-"

// sweepMemory removes the directories of runs that were killed. Anybody may write to
// the parent, so it leaves those of other users alone.
func sweepMemory(parent string) {
	left, _ := files.Glob(parent, memoryDir+"*-*")
	for _, dir := range left {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), memoryDir), "-")
		info, err := os.Lstat(dir)
		if n, no := strconv.Atoi(pid); err != nil || no != nil || n <= 0 || exists("/proc/"+pid) {
			continue
		}
		if sys, ok := info.Sys().(*syscall.Stat_t); ok && info.IsDir() && int(sys.Uid) == os.Geteuid() {
			_ = os.RemoveAll(dir)
		}
	}
}

// rename gives the files in a message the names that they will have.
func (s staged) rename(text string) string { return strings.NewReplacer(s.names...).Replace(text) }

func (s staged) remove() {
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}
