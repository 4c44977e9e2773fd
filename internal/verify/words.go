// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxWarnings bounds how many of Falco's warnings are returned.
const maxWarnings = 20

// stamp is the time at the start of Falco's log lines: that of asctime(3) or, with
// time_format_iso_8601, that of ISO 8601, which has no offset where the C library
// has none (falco 0.44.1 userspace/engine/logger.cpp). What Falco writes last, as
// it exits, has none.
var stamp = regexp.MustCompile(`^([A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d([.,]\d+)?(Z|[+-]\d\d:?\d\d)?): `)

// text returns a line of Falco's standard error without its time. A line in JSON
// is replaced by its message.
func text(line string) (bare string, isLogged bool) {
	var object map[string]any
	if strings.HasPrefix(line, "{") && json.Unmarshal([]byte(line), &object) == nil {
		for _, key := range []string{"msg", "message", "output"} {
			if message, ok := object[key].(string); ok {
				return strings.TrimRight(message, " \t\r\n"), true
			}
		}
	}
	bare = stamp.ReplaceAllString(line, "")
	return bare, bare != line
}

// Reason finds in Falco's standard error why Falco does not start, as one line:
// what follows its last "Error:", for a rules file the place and the cause, or the
// log line with the reason if that says nothing. It is "" if there is no text.
func Reason(stderr string) string {
	if file, rest, ok := strings.Cut(RulesReason(stderr), ":"); ok && strings.HasPrefix(file, "/") {
		return file + ": Invalid, line " + rest
	}
	var reason, logged, last string
	for line := range strings.Lines(stderr) {
		line = strings.TrimRight(line, " \t\r\n")
		if line == "" {
			continue
		}
		var isLogged bool
		last, isLogged = text(line)
		switch {
		case strings.HasPrefix(last, "Error: "):
			reason = strings.TrimPrefix(last, "Error: ")
		case strings.HasPrefix(last, "Runtime error: "), strings.HasPrefix(last, "Cannot read config file"):
			logged = strings.TrimPrefix(last, "Runtime error: ")
		case reason != "" && !isLogged:
			reason += " " + line
		}
	}
	if reason == "" || reason == "std::exception" {
		reason = logged
	}
	if reason == "" {
		reason = last
	}
	return clip(strings.Join(strings.Fields(reason), " "))
}

// Warnings finds in Falco's standard error the log lines that a person should
// see, each once.
func Warnings(stderr string) []string {
	var found []string
	for line := range strings.Lines(stderr) {
		said, _ := text(strings.TrimSpace(line))
		said = strings.TrimSpace(said)
		lower := strings.ToLower(said)
		warns := strings.Contains(lower, "validation: failed") || strings.Contains(lower, "deprecat") || strings.Contains(lower, "warning")
		if said = clip(said); warns && !slices.Contains(found, said) && len(found) < maxWarnings {
			found = append(found, said)
		}
	}
	return found
}

// clip bounds a line of another program.
func clip(s string) string {
	if len(s) > 300 {
		return strings.ToValidUTF8(s[:300], "") + "..."
	}
	return s
}

// The parts of Falco's message about a rules file that it refuses: falco 0.44.1
// userspace/engine/rule_loader.cpp, context::as_string and as_verbose_string. Lines
// are counted from 0.
var (
	rulesItem  = regexp.MustCompile(`(?m)^ *(rule|macro|list) '(.*)': \((.+):(\d+):\d+\)$`)
	rulesPlace = regexp.MustCompile(`\(([^"()]+):(\d+):\d+\)`)
	rulesWarns = regexp.MustCompile(`^LOAD_[A-Z_]+ \((.*?)\): (.*)$`)
	rulesError = regexp.MustCompile(`(?m)^\s*LOAD_ERR_\w+ \((.*?)\): (.*)$`)
)

// RulesReason finds in Falco's standard error why it refuses a rules file, as
// "FILE:LINE: rule NAME: REASON", or "" if it says nothing of the kind.
func RulesReason(stderr string) string {
	_, message, found := strings.Cut(stderr, ": Invalid\n")
	reason := rulesError.FindStringSubmatch(message)
	if !found || reason == nil {
		return ""
	}
	text := reason[1] + ": " + strings.TrimSpace(reason[2])
	if item := rulesItem.FindStringSubmatch(message); item != nil {
		return clip(item[3] + ":" + next(item[4]) + ": " + item[1] + " " + strconv.Quote(item[2]) + ": " + text)
	}
	if all := rulesPlace.FindAllStringSubmatch(message, -1); all != nil {
		last := all[len(all)-1]
		return clip(last[1] + ":" + next(last[2]) + ": " + text)
	}
	return clip(text)
}

// RulesWarnings finds in Falco's standard error what it warns of in rules files, each
// as "FILE:LINE: rule NAME: REASON".
func RulesWarnings(stderr string) []string {
	var found []string
	at := ""
	for line := range strings.Lines(stderr) {
		line = strings.TrimRight(line, " \r\n")
		if item := rulesItem.FindStringSubmatch(line); item != nil {
			at = item[3] + ":" + next(item[4]) + ": " + item[1] + " " + strconv.Quote(item[2]) + ": "
		} else if place := rulesPlace.FindStringSubmatch(line); place != nil && strings.HasPrefix(line, "In rules content") {
			at = place[1] + ": "
		}
		if m := rulesWarns.FindStringSubmatch(line); m != nil && !strings.HasPrefix(line, "LOAD_ERR_") {
			if text := clip(at + m[2]); !slices.Contains(found, text) && len(found) < maxWarnings {
				found = append(found, text)
			}
		}
	}
	return found
}

func next(line string) string {
	n, _ := strconv.Atoi(line)
	return strconv.Itoa(n + 1)
}
