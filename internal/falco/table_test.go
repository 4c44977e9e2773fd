// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every row has a case that is decided differently without the row. A row that a
// stronger one hides, or that no host meets, has none.
func TestEveryRowMatters(t *testing.T) {
	arm := hostOf(9, 6, "6.12.0-202.76.4.1.el9uek.aarch64")
	ppc := hostOf(9, 6, rhck9)
	ppc.Arch = "ppc64le"
	noBTF := hostOf(9, 6, rhck9)
	noBTF.NoBTF = true
	cases := map[string]struct {
		host    Host
		request Request
	}{
		"os-old":            {hostOf(6, 10, ""), Request{}},
		"os-new":            {hostOf(11, 0, ""), Request{}},
		"arch":              {ppc, Request{}},
		"uek-r6":            {hostOf(8, 6, uek6), Request{}},
		"kernel-7.0":        {hostOf(9, 6, "7.0.1-1.el9.x86_64"), Request{}},
		"falco-before-0.32": {hostOf(8, 10, rhck8), Request{Kmod, "0.31.1"}},
		"falco-0.40.0":      {hostOf(9, 6, rhck9), Request{}},
		"falco-0.41.3-el8":  {hostOf(8, 10, rhck8), Request{}},
		"glibc-2.28":        {hostOf(7, 9, rhck7), Request{}},
		"libresolv":         {hostOf(8, 10, uek7), Request{}},
		"modern-0.34":       {hostOf(9, 6, rhck9), Request{}},
		"modern-ol7":        {hostOf(7, 9, rhck7), Request{}},
		"modern-kernel-5.8": {hostOf(9, 6, "5.4.0-150-generic"), Request{}},
		"modern-rhck-8.5":   {hostOf(8, 4, rhck84), Request{}},
		"modern-rhck-8.6":   {hostOf(8, 10, rhck8), Request{}},
		"modern-btf":        {noBTF, Request{}},
		"modern-6.12":       {arm, Request{}},
		"modern-6.19":       {hostOf(9, 6, "6.19.2-1.el9.x86_64"), Request{}},
		"kmod-uek":          {hostOf(8, 10, uek7), Request{Kmod, ""}},
		"kmod-uek-loader":   {hostOf(8, 10, uek7), Request{Kmod, "0.36.2"}},
		"kmod-uek-falcoctl": {hostOf(8, 10, uek7), Request{Kmod, "0.44.1"}},
		"kmod-uek-0.37":     {hostOf(8, 10, uek7), Request{Kmod, "0.37.1"}},
		"kmod-uek-0.32":     {hostOf(8, 10, uek7), Request{Kmod, "0.33.1"}},
		"toolset-11":        {hostOf(8, 10, uek7), Request{Kmod, "0.37.1"}},
		"toolset-14":        {hostOf(9, 6, uek8), Request{Kmod, "0.37.1"}},
		"kmod-packages":     {hostOf(8, 10, rhck8), Request{Kmod, ""}},
		"requires-dkms":     {hostOf(9, 6, rhck9), Request{Auto, "0.39.2"}},
		"kmod-rhel-9.4":     {hostOf(9, 6, rhck9), Request{Kmod, "0.37.1"}},
		"kmod-6.12":         {hostOf(10, 1, rhck10), Request{Kmod, "0.39.2"}},
		"kmod-secure-boot":  {hostOf(8, 10, rhck8), Request{Kmod, ""}},
		"kernel-other":      {hostOf(9, 6, "6.1.0-18-amd64"), Request{}},
		"ol10-hang":         {hostOf(10, 1, rhck10), Request{Auto, "0.44.1"}},
	}
	for i, row := range table() {
		c, ok := cases[row.ID]
		if !ok {
			t.Errorf("row %s has no case", row.ID)
			continue
		}
		delete(cases, row.ID)
		without := slices.Delete(table(), i, i+1)
		if with, less := decided(table(), c.host, c.request), decided(without, c.host, c.request); with == less {
			t.Errorf("row %s makes no difference to its case: %s", row.ID, with)
		}
	}
	for id := range cases {
		t.Errorf("there is a case for row %s, and no such row", id)
	}
}

func decided(rows []Row, h Host, r Request) string {
	v, err := decide(rows, h, r)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	b.WriteString(v.Driver + " " + v.Range())
	for _, row := range v.rows {
		b.WriteString(" " + row.ID)
	}
	return b.String()
}

func TestTableIsWellFormed(t *testing.T) {
	seen := map[string]bool{}
	id := regexp.MustCompile(`^[a-z0-9]+([-.][a-z0-9]+)*$`)
	numbers := regexp.MustCompile(`^(\d+(\.\d+){0,2})?$`)
	whole := regexp.MustCompile(`^(\d+\.\d+\.\d+)?$`)
	for _, r := range table() {
		if !id.MatchString(r.ID) || seen[r.ID] {
			t.Errorf("row %q: the ID is malformed, or appears twice", r.ID)
		}
		seen[r.ID] = true
		for what, s := range map[string]string{"reason": r.Reason, "remedy": r.Remedy, "source": r.Source} {
			if s == "" || strings.HasSuffix(s, ".") || strings.TrimSpace(s) != s {
				t.Errorf("row %s: %s %q is empty or ends with a full stop", r.ID, what, s)
			}
		}
		for _, s := range []span{r.When.falco, r.When.kernel, r.When.build} {
			form := numbers
			if s == r.When.falco {
				form = whole
			}
			if !form.MatchString(s.from) || !form.MatchString(s.below) || s.from != "" && s.below != "" && !dotted(s.from).less(dotted(s.below)) {
				t.Errorf("row %s: %+v is not a span of versions, or is empty", r.ID, s)
			}
		}
		for _, m := range regexp.MustCompile(`before (?:Falco )?(0\.\d+)`).FindAllStringSubmatch(r.Reason, -1) {
			if below := r.When.falco.below; below != m[1]+".0" {
				t.Errorf("row %s: the reason says %q, and the row ends at %q", r.ID, m[0], below)
			}
		}
	}
}
