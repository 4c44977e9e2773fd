// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package logrotate

import (
	"bytes"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// A reader goes through one file byte by byte, with the states of
// readConfigFile in logrotate's config.c, so that it reads a broken file as
// logrotate does.
type reader struct {
	config  *Config
	file    string
	cwd     string // where a relative include begins
	src     []byte
	pos     int
	line    int
	state   state
	skips   bool         // an error was found in the block; it is left out
	globals *[]Directive // what a block of this file inherits
	current int          // index of the open block; -1 outside
	script  *Directive
	start   int // of the script
	good    bool
}

type state int

const (
	inLine state = iota
	skipLine
	afterBlock
	inScript
	skipScriptLine
	failed    // an error was found in a block
	skipBlock // up to a line that begins with }
	stopped   // logrotate reads no more of the file
)

// read reports whether all went well.
func (r *reader) read() bool {
	for ; r.pos < len(r.src) && r.state != stopped; r.pos++ {
		raised := r.step()
		if r.pos < len(r.src) && r.src[r.pos] == '\n' && !raised {
			r.line++
		}
	}
	if r.state == stopped {
		r.dropBlock()
		return false
	}
	if r.script != nil {
		r.config.problem(r.file, r.script.Line, r.script.Name+" without endscript")
		r.dropBlock()
		return false
	}
	return r.good
}

// step reads at the position and leaves it at the last byte it has taken. It
// reports whether an error was found in a block.
func (r *reader) step() (raised bool) {
	b := r.src[r.pos]
	switch r.state {
	case inLine:
		r.stepLine(b)
		return r.state == failed
	case skipLine, skipScriptLine:
		if b == '\n' {
			r.state = map[bool]state{true: inScript, false: r.outside()}[r.state == skipScriptLine]
		}
	case afterBlock:
		switch {
		case b == '\n':
			r.state = inLine
		case !isBlank(b):
			r.wrong("text follows the }")
			r.state = skipLine
		}
	case failed:
		r.skips, r.good, r.state = true, false, skipBlock
	case inScript:
		r.stepScript()
	case skipBlock:
		r.stepSkipped(b)
	}
	return false
}

// outside returns the state between two lines.
func (r *reader) outside() state {
	if r.skips {
		return skipBlock
	}
	return inLine
}

func (r *reader) stepLine(b byte) {
	switch {
	case isBlank(b), b == '\n':
	case b == '#':
		r.state = skipLine
	case isAlpha(b):
		r.directive()
	case b == '/' || b == '"' || b == '\'' || b == '~':
		r.names()
	case b == '}':
		r.closeBlock()
	default:
		r.raise("the line begins neither with a directive nor with a file name")
	}
}

// stepScript reads the first word of a line of a script.
func (r *reader) stepScript() {
	begin := r.pos
	word := r.word()
	switch {
	case word != "endscript":
		if !r.at('\n') {
			r.state = skipScriptLine
		}
		return
	case r.script != nil:
		end := max(r.start, bytes.LastIndexByte(r.src[:begin], '\n')+1)
		r.script.Value = strings.TrimPrefix(string(r.src[min(r.start, end):end]), "\n")
		r.keep(*r.script)
		r.script = nil
	}
	r.state = r.outside()
}

// stepSkipped reads a line of a block that is left out. Only a } at the very
// beginning of a line ends it.
func (r *reader) stepSkipped(b byte) {
	if b == '}' {
		r.state, r.skips = inLine, false
		r.dropBlock()
		return
	}
	switch word := r.word(); {
	case isScript(word):
		r.state = inScript
	case r.pos < len(r.src) && !r.at('\n'):
		r.state = skipLine
	}
}

// closeBlock ends the open block. logrotate stops here if its olddir is missing.
func (r *reader) closeBlock() {
	if r.current < 0 {
		r.stop("unexpected }")
		return
	}
	if why := r.config.checkOldDir(); why != "" {
		r.stop(why)
		return
	}
	r.current, r.state = -1, afterBlock
}

// checkOldDir says why logrotate drops the last block: the directory of a log,
// or the olddir, is missing.
func (c *Config) checkOldDir() string {
	rule := Rule{Directives: c.blocks[len(c.blocks)-1].directives}
	if !rule.On("olddir") {
		return ""
	}
	old, _ := rule.Get("olddir")
	for _, log := range c.claim("").last {
		dir, _ := path.Split(log)
		if _, err := fs.Stat(c.fsys, rooted(dir)); err != nil {
			if rule.On("missingok") {
				continue
			}
			return "the log's directory " + dir + ": " + cause(err)
		}
		target := old.Value
		if !strings.HasPrefix(target, "/") {
			target = dir + target
		}
		if _, err := fs.Stat(c.fsys, rooted(target)); err != nil && !rule.On("createolddir") {
			return "olddir " + target + ": " + cause(err)
		}
	}
	return ""
}

// names opens a block: names up to a {, in the words of popt.
func (r *reader) names() {
	if r.current >= 0 {
		r.raise("a file name inside of a block")
		return
	}
	b := block{file: r.file, line: r.line, directives: slices.Clone(*r.globals), inherited: len(*r.globals)}
	r.config.blocks = append(r.config.blocks, b)
	r.current = len(r.config.blocks) - 1
	text, ok := r.upToBrace()
	if !ok {
		return
	}
	words, err := splitWords(text)
	switch {
	case err != nil:
		r.stop(err.Error())
	case len(words) == 0:
		r.stop("a { without a file name")
	}
	r.config.blocks[r.current].names = words
}

// upToBrace reads file names, over several lines and without comments. A { ends
// them even in quotes.
func (r *reader) upToBrace() (string, bool) {
	var text []byte
	fresh, comment := true, false // at the beginning of a line
	line := r.line
	for ; r.pos < len(r.src) && r.src[r.pos] != 0; r.pos++ {
		switch b := r.src[r.pos]; {
		case b == '\n':
			fresh, comment = true, false
			r.line++
		case fresh && b == '#':
			comment = true
		case !isSpace(b):
			fresh = false
		}
		if comment {
			continue
		}
		switch b := r.src[r.pos]; b {
		case '}':
			r.line = line
			r.stop("unexpected }")
			return "", false
		case '{':
			return string(text), true
		default:
			text = append(text, b)
		}
	}
	r.line = line
	r.stop("the { after the file names is missing")
	return "", false
}

// dropBlock removes the open block.
func (r *reader) dropBlock() {
	if r.current >= 0 {
		r.config.blocks = slices.Delete(r.config.blocks, r.current, r.current+1)
		r.current = -1
	}
}

// wrong records an error that does not change what is read.
func (r *reader) wrong(text string) { r.config.problem(r.file, r.line, text) }

// raise records an error that makes logrotate leave out the block, or outside of
// one the rest of the file.
func (r *reader) raise(text string) {
	if r.current < 0 {
		r.stop(text)
		return
	}
	r.wrong(text)
	r.state = failed
}

// stop records an error after which logrotate reads no more of the file.
func (r *reader) stop(text string) {
	r.wrong(text)
	r.state = stopped
}
