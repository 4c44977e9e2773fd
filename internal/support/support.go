// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package support gathers what somebody who helps from afar asks for: versions, units,
// journals, and whether the node reaches what it needs. It changes nothing, and hides
// secrets in everything.
//
// All sections are read at the same time, within one limit. One that fails or hangs says
// so, and the others are there.
package support

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
)

// SchemaVersion is that of the JSON form. A new key does not change it.
const SchemaVersion = 1

const (
	// patience is how long a section may take.
	patience = 20 * time.Second
	// maxSection bounds the text of a section, in bytes. Of more the end is kept.
	maxSection = 64 << 10
)

// A Section is one part of what is gathered.
type Section struct {
	// Name is for programs: "units".
	Name  string `json:"name"`
	Title string `json:"title"`
	Text  string `json:"text"`
	// Problem is why the section is not whole.
	Problem string `json:"problem,omitempty"`
}

// A Report is everything that was gathered.
type Report struct {
	SchemaVersion int       `json:"schema_version"`
	Tool          string    `json:"tool"`
	Time          time.Time `json:"time"`
	Root          bool      `json:"root"`
	Sections      []Section `json:"sections"`
}

// A Source makes one section. Read returns what it has together with an error.
type Source struct {
	Name, Title string
	Read        func(context.Context) (string, error)
}

// Gather reads all sources at the same time, and returns their sections in order.
func Gather(ctx context.Context, sources []Source) []Section {
	return gather(ctx, sources, patience)
}

func gather(ctx context.Context, sources []Source, patience time.Duration) []Section {
	late, cancelLate := context.WithTimeout(ctx, patience+time.Second)
	defer cancelLate()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answers := make([]chan Section, len(sources))
	for i, s := range sources {
		answers[i] = make(chan Section, 1)
		go func() { answers[i] <- s.section(ctx) }()
	}
	// One that does not hear its context, such as a read of a file server that is
	// gone, is left behind.
	all := make([]Section, len(sources))
	for i, s := range sources {
		select {
		case all[i] = <-answers[i]:
		case <-late.Done():
			select {
			case all[i] = <-answers[i]:
			default:
				all[i] = Section{Name: s.Name, Title: s.Title, Problem: fmt.Sprintf("it did not answer within %v", patience)}
			}
		}
	}
	return all
}

// section reads a source. A bug in one must not cost the others.
func (s Source) section(ctx context.Context) (out Section) {
	out = Section{Name: s.Name, Title: s.Title}
	defer func() {
		if p := recover(); p != nil {
			out.Problem = redact.Text(fmt.Sprintf("a bug in falco-bootstrap: %v", p))
		}
	}()
	text, err := s.Read(ctx)
	out.Text = hide(text)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		out.Problem = "it was stopped after " + patience.String()
	case errors.Is(err, fs.ErrPermission):
		out.Problem = redact.Text(err.Error()) + ": run it with sudo"
	case err != nil:
		out.Problem = redact.Text(err.Error())
	}
	return out
}

// hide returns the end of a text without its secrets. Those of JSON are known by their
// keys.
func hide(text string) string {
	var indented bytes.Buffer
	if object := redact.JSON([]byte(text)); object != nil && json.Indent(&indented, object, "", "  ") == nil {
		return ending(indented.String())
	}
	return redact.Text(ending(text))
}

// ending returns the end of a long text, from the beginning of a line.
func ending(text string) string {
	text = strings.TrimRight(strings.ToValidUTF8(text, "?"), " \t\r\n")
	if len(text) <= maxSection {
		return text
	}
	kept := text[len(text)-maxSection:]
	if _, rest, found := strings.Cut(kept, "\n"); found {
		kept = rest
	}
	return "[the beginning is left out]\n" + kept
}

// WriteText writes the report for a person.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s\n", r.Tool, r.Time.UTC().Format(time.RFC3339))
	if !r.Root {
		b.WriteString("not run as root: with sudo it sees more\n")
	}
	for _, s := range r.Sections {
		fmt.Fprintf(&b, "\n== %s\n", s.Title)
		if s.Text != "" {
			b.WriteString(s.Text + "\n")
		}
		if s.Problem != "" {
			fmt.Fprintf(&b, "(%s)\n", s.Problem)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
