// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
)

// HTML writes the fleet as one page that needs nothing else: bars for each kind of
// group, and a table of all nodes that can be filtered. What comes after # in the
// page's address is the filter to begin with.
func (f *Fleet) HTML(w io.Writer) error {
	s := f.Summary()
	out := bufio.NewWriter(w)
	hash := sha256.Sum256([]byte(script))
	// Flush returns the first error of a write.
	fmt.Fprintf(out, head, base64.StdEncoding.EncodeToString(hash[:]), style)
	fmt.Fprintf(out, "<h1>Falco on %s</h1>\n<p>%s", count(s.Nodes, "node"), count(s.Reports, "report"))
	if s.Oldest != nil {
		fmt.Fprintf(out, ", %s to %s UTC", s.Oldest.UTC().Format(minutes), s.Newest.UTC().Format(minutes))
	}
	_, _ = out.WriteString("</p>\n<div class=groups>\n")
	for _, g := range s.kinds() {
		writeBars(out, g, s.Nodes)
	}
	_, _ = out.WriteString("</div>\n")
	for i, b := range s.Bad {
		if i == 0 {
			fmt.Fprintf(out, "<h2>%s could not be read</h2>\n<ul>\n", count(len(s.Bad), "record"))
		}
		fmt.Fprintf(out, "<li>%s: %s\n", text(b.place()), text(b.Reason))
	}
	if len(s.Bad) > 0 {
		_, _ = out.WriteString("</ul>\n")
	}
	f.writeNodes(out)
	fmt.Fprintf(out, "<script>%s</script>\n", script)
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing the fleet: %w", err)
	}
	return nil
}

const minutes = "2006-01-02 15:04"

// writeBars writes one kind of group as bars; a click filters the table.
func writeBars(out *bufio.Writer, k kind, nodes int) {
	if len(k.groups) == 0 {
		return
	}
	fmt.Fprintf(out, "<section><h2>%s</h2>\n", text(k.title))
	for _, g := range k.groups {
		fmt.Fprintf(out, "<a class=bar href=\"#%s\"><span style=\"width:%d%%\"></span><b>%s</b> %d</a>\n", text(url.PathEscape(g.Name)), 100*g.Count/max(nodes, 1), text(g.Name), g.Count)
		if g.Example != "" {
			fmt.Fprintf(out, "<p>%s</p>\n", text(g.Example))
		}
	}
	_, _ = out.WriteString("</section>\n")
}

// writeNodes writes a row for each node, those that need attention first.
func (f *Fleet) writeNodes(out *bufio.Writer) {
	_, _ = out.WriteString("<h2>Nodes</h2>\n<p><input id=filter type=search placeholder=\"filter: every word must be in the row\" autofocus> <span id=shown></span></p>\n" +
		"<table><thead><tr><th>Node<th>State<th>Last run<th>OS<th>Kernel<th>Falco<th>Drift<th>Error</thead><tbody id=nodes>\n")
	names := slices.SortedFunc(maps.Keys(f.nodes), func(a, b string) int {
		return cmp.Or(urgency(f.nodes[a])-urgency(f.nodes[b]), strings.Compare(a, b))
	})
	for _, name := range names {
		r := f.nodes[name]
		state, version, message := r.Result, "none", ""
		if failed(r) {
			state = cmp.Or(r.Exit.Name, r.Result)
		}
		if r.Falco != nil {
			version = strings.TrimSpace(r.Falco.Version + " " + r.Falco.Driver)
		}
		if r.Error != nil {
			message = strings.Join(strings.Fields(r.Error.Message), " ")
		}
		fmt.Fprintf(out, "<tr class=%s>", map[int]string{0: "failed", 1: "open"}[urgency(r)])
		for _, cell := range []string{
			name, strings.Join(append([]string{state}, f.age(r)...), ", "), r.Started.UTC().Format(minutes),
			strings.TrimSpace(r.Host.OS + " " + r.Host.OSVersion), r.Host.Kernel, version, strings.Join(r.Drift, ", "), message,
		} {
			_, _ = out.WriteString("<td>" + text(cell))
		}
		_, _ = out.WriteString("\n")
	}
	_, _ = out.WriteString("</tbody></table>\n")
}

// urgency is 0 for a node that has failed, 1 for one that is not as declared, else 2.
func urgency(r report.Report) int {
	switch {
	case failed(r):
		return 0
	case r.Result == report.ResultOK || r.Result == report.ResultChanged:
		return 2
	}
	return 1
}

// text returns s as it may stand in an element or a quoted attribute.
func text(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;").Replace(report.Visible(s))
}

// head has the hash of the script, which alone may run, and the style.
const head = `<!doctype html>
<html lang=en>
<meta charset=utf-8>
<meta name=viewport content="width=device-width">
<meta http-equiv=Content-Security-Policy content="default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-%s'">
<title>Falco on the fleet</title>
<style>%s</style>
`

const style = `
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif }
body { margin: 1.5rem auto; max-width: 90rem; padding: 0 1rem }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1rem; margin: 1.2rem 0 .4rem }
.groups { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 0 2rem }
.groups p { font-size: .85rem; margin: .1rem 0 .4rem; overflow-wrap: anywhere }
.bar { color: inherit; display: block; margin: .15rem 0; padding: .1rem .4rem; position: relative; text-decoration: none }
.bar span { background: #58a; border-radius: 3px; inset: 0 auto 0 0; min-width: 2px; opacity: .35; position: absolute }
.bar:hover b { text-decoration: underline }
input { font: inherit; padding: .3rem .5rem; width: min(30rem, 100%) }
table { border-collapse: collapse; font-size: .85rem; width: 100% }
th { position: sticky; top: 0; background: Canvas; text-align: left }
th, td { border-bottom: 1px solid #8884; padding: .25rem .8rem .25rem 0; vertical-align: top }
td:nth-child(n+3):nth-child(-n+6) { white-space: nowrap }
td:first-child, td:nth-child(n+7) { overflow-wrap: anywhere }
td:nth-child(8) { min-width: 18rem }
tr.failed td:nth-child(2) { color: #c33; font-weight: 600 } tr.open td:nth-child(2) { color: #b70; font-weight: 600 }
`

const script = `
const input = document.getElementById("filter"), rows = [...document.getElementById("nodes").rows];
const texts = rows.map(row => row.textContent.toLowerCase());
function show() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  rows.forEach((row, i) => { row.hidden = !words.every(w => texts[i].includes(w)); shown += !row.hidden; });
  document.getElementById("shown").textContent = shown + " of " + rows.length;
}
function begin() { try { input.value = decodeURIComponent(location.hash.slice(1)); } catch { input.value = ""; } show(); }
input.addEventListener("input", show);
addEventListener("hashchange", begin);
begin();
`
