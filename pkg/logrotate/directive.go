// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package logrotate

import (
	"slices"
	"strconv"
	"strings"
)

// isFlag reports whether a directive has no value; several can be on one line.
func isFlag(name string) bool {
	return slices.Contains(strings.Fields(`compress nocompress delaycompress nodelaycompress shred noshred
		allowhardlink noallowhardlink sharedscripts nosharedscripts copytruncate nocopytruncate
		renamecopy norenamecopy copy nocopy ifempty notifempty dateext nodateext dateyesterday
		datehourago noolddir mailfirst maillast nocreateolddir nocreate hourly daily yearly errors
		nomail missingok nomissingok`), name)
}

func isScript(name string) bool {
	return slices.Contains([]string{"prerotate", "postrotate", "firstaction", "lastaction", "preremove"}, name)
}

// directive reads a line that begins with a word.
func (r *reader) directive() {
	line := r.line
	name := r.word()
	d := Directive{Name: name, File: r.file, Line: line}
	if r.pos < len(r.src) && !isSpace(r.src[r.pos]) && r.src[r.pos] != '=' {
		r.raise("text follows " + name)
		return
	}
	switch {
	case isFlag(name), name == "ignoreduplicates" && r.config.since(3, 21):
		r.keep(d)
	case isScript(name):
		r.script, r.start, r.state = &d, r.pos, inScript
	case slices.Contains([]string{"create", "createolddir", "su", "weekly", "monthly", "compressoptions"}, name):
		d.Value = strings.TrimLeft(r.rest(), " \t")
		r.keepChecked(d)
	case slices.Contains([]string{"tabooext", "taboopat", "include"}, name):
		r.control(d)
	case slices.Contains(valued, name):
		value, ok := r.value()
		if !ok {
			r.missing(name)
			return
		}
		d.Value = value
		r.keepChecked(d)
	default: // logrotate warns and ignores the line
		if r.pos < len(r.src) && !r.at('\n') {
			r.state = skipLine
		}
	}
}

var valued = strings.Fields(`dateformat size minsize maxsize shredcycles rotate start minage maxage mail olddir
	extension addextension compresscmd uncompresscmd compressext`)

// missing records a directive without its value. For some, logrotate reports that
// and goes on, and does not exit with 1.
func (r *reader) missing(name string) {
	if slices.Contains([]string{"dateformat", "size", "minsize", "maxsize"}, name) {
		r.pos--
		return
	}
	r.raise("a value is missing after " + name)
}

// control applies tabooext, taboopat and include.
func (r *reader) control(d Directive) {
	if d.Name != "include" && r.current >= 0 {
		r.raise(d.Name + " inside of a block")
		return
	}
	value, ok := r.value()
	d.Value = value
	switch {
	case !ok && d.Name == "include":
		r.raise("a value is missing after include")
	case !ok:
		r.pos--
	case d.Name != "include":
		r.config.exclude(d)
	default:
		r.include(d)
	}
}

func (r *reader) include(d Directive) {
	c := r.config
	name := d.Value
	if rest, ok := strings.CutPrefix(name, "~/"); ok && c.since(3, 17) {
		name = "/root/" + rest
	}
	if c.depth >= maxNesting {
		r.wrong("the includes are nested too deep")
		r.good = false
		return
	}
	into := r.globals
	if r.current >= 0 {
		into = &c.blocks[r.current].directives
	}
	c.depth++
	before := slices.Clone(*into)
	good := c.readPath(name, r.cwd, &before)
	c.depth--
	if r.current >= 0 {
		into = &c.blocks[r.current].directives // the slice may have grown
	}
	*into = before
	r.good = r.good && good
}

// keep adds a directive to the block, or to those that later blocks inherit.
func (r *reader) keep(d Directive) {
	if r.current >= 0 {
		b := &r.config.blocks[r.current]
		b.directives = append(b.directives, d)
		return
	}
	*r.globals = append(*r.globals, d)
}

// keepChecked refuses a value that logrotate refuses. It does not look up users
// and groups.
func (r *reader) keepChecked(d Directive) {
	switch why, whole := check(d); {
	case why != "" && whole:
		r.stop(why)
	case why != "":
		r.raise(why)
	default:
		r.keep(d)
	}
}

// check says what is wrong with a value. whole means that logrotate reads no
// more of the file.
func check(d Directive) (why string, whole bool) {
	v := d.Value
	bad := d.Name + " has the value " + strconv.Quote(v)
	switch d.Name {
	case "size", "minsize", "maxsize":
		if v != "" && strings.ContainsAny(v[len(v)-1:], "kKMG") {
			v = v[:len(v)-1]
		} else if v != "" && (v[len(v)-1] < '0' || v[len(v)-1] > '9') {
			return bad, false
		}
		if !isNumber(v, 0) {
			return bad, false
		}
	case "rotate":
		if !isNumber(v, -1) {
			return bad, false
		}
	case "shredcycles", "start", "minage", "maxage":
		if !isNumber(v, 0) {
			return bad, false
		}
	case "weekly", "monthly":
		most := map[string]uint64{"weekly": 7, "monthly": 31}[d.Name]
		if n, err := strconv.ParseUint(v, 10, 32); v != "" && (err != nil || n > most) {
			return bad, true
		}
	case "mail", "olddir", "compresscmd", "uncompresscmd", "compressext":
		if strings.ContainsAny(v, " \t") {
			return bad, false
		}
	case "su":
		if len(strings.Fields(v)) != 2 {
			return bad, false
		}
	case "create", "createolddir":
		if len(strings.Fields(v)) > 3 {
			return bad, false
		}
	}
	return "", false
}

// isNumber reports whether strtol(3) reads all of a value in base 0, as a number
// of at least a minimum. It reads "" as 0.
func isNumber(v string, least int64) bool {
	if v == "" {
		return true
	}
	n, err := strconv.ParseInt(v, 0, 64)
	return err == nil && n >= least && !strings.ContainsAny(v, "_oObB")
}
