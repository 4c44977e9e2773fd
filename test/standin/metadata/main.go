// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Command metadata makes the metadata of a repository as large as that of Oracle's
// own. It adds packages that exist only there, under names that nothing requires.
//
//	metadata [-packages N] [-files N] DIR
//
// The metadata of DIR was made by createrepo_c with --general-compress-type=gz.
// Whoever calls it signs repomd.xml again.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	packages := flag.Int("packages", 30000, "how many packages to add")
	files := flag.Int("files", 20, "how many files each has")
	flag.Parse()
	if err := grow(flag.Arg(0), *packages, *files); err != nil {
		fmt.Fprintln(os.Stderr, "metadata:", err)
		os.Exit(1)
	}
}

// A repomd is what repomd.xml says of the other files.
type repomd struct {
	Data []struct {
		Type     string `xml:"type,attr"`
		Location struct {
			Href string `xml:"href,attr"`
		} `xml:"location"`
	} `xml:"data"`
}

// kinds are the files that list every package, with the element that ends each.
var kinds = []struct{ name, end string }{
	{"primary", "</metadata>"}, {"filelists", "</filelists>"}, {"other", "</otherdata>"},
}

// grow adds packages to each file, and writes a repomd.xml that lists these three.
func grow(dir string, packages, files int) error {
	index := filepath.Join(dir, "repodata", "repomd.xml")
	text, err := os.ReadFile(index)
	if err != nil {
		return err
	}
	var listed repomd
	if err := xml.Unmarshal(text, &listed); err != nil {
		return err
	}
	var out strings.Builder
	out.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<repomd xmlns=\"http://linux.duke.edu/metadata/repo\">\n  <revision>1</revision>\n")
	for _, kind := range kinds {
		for _, data := range listed.Data {
			if data.Type != kind.name {
				continue
			}
			if err := growFile(&out, dir, data.Location.Href, kind.name, kind.end, packages, files); err != nil {
				return fmt.Errorf("%s: %w", data.Location.Href, err)
			}
		}
	}
	out.WriteString("</repomd>\n")
	return os.WriteFile(index, []byte(out.String()), 0o644)
}

func growFile(out io.Writer, dir, href, kind, end string, packages, files int) error {
	path := filepath.Join(dir, href)
	text, err := readGzip(path)
	if err != nil {
		return err
	}
	old, tail, ok := strings.Cut(text, end)
	if !ok {
		return fmt.Errorf("it does not end with %s", end)
	}
	head := countPackages(old, packages)
	var open bytes.Buffer
	open.WriteString(head)
	for i := range packages {
		entry(&open, kind, i, files)
	}
	open.WriteString(end + tail)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(open.Bytes())
	if err := z.Close(); err != nil {
		return err
	}
	fmt.Fprintf(out, "  <data type=%q>\n    <checksum type=\"sha256\">%s</checksum>\n    <open-checksum type=\"sha256\">%s</open-checksum>\n    <location href=%q/>\n    <timestamp>1</timestamp>\n    <size>%d</size>\n    <open-size>%d</open-size>\n  </data>\n",
		kind, sum(packed.Bytes()), sum(open.Bytes()), href, packed.Len(), open.Len())
	return os.WriteFile(path, packed.Bytes(), 0o644)
}

// countPackages raises the number in packages="N".
func countPackages(text string, more int) string {
	const attribute = ` packages="`
	before, rest, ok := strings.Cut(text, attribute)
	if !ok {
		return text
	}
	number, after, _ := strings.Cut(rest, `"`)
	n := 0
	_, _ = fmt.Sscan(number, &n)
	return fmt.Sprintf("%s%s%d\"%s", before, attribute, n+more, after)
}

// entry writes what a file of a kind says of a package. The sizes are about those of
// Oracle Linux 9's BaseOS: some 1,100 bytes of primary.xml each.
func entry(b *bytes.Buffer, kind string, i, files int) {
	name, id := fmt.Sprintf("bench-package-%05d", i), sum(fmt.Append(nil, "package", i))
	version := fmt.Sprintf(`<version epoch="0" ver="%d.%d.%d" rel="%d.el9"/>`, i%7, i%31, i%13, i%5)
	switch kind {
	case "primary":
		fmt.Fprintf(b, `<package type="rpm"><name>%[1]s</name><arch>x86_64</arch>%[2]s<checksum type="sha256" pkgid="YES">%[3]s</checksum><summary>Generated package %[4]d</summary><description>A package of a generated repository. It has a description of a usual length, which says what it is for and that nobody installs it.</description><packager>nobody</packager><url>https://example.com/%[1]s</url><time file="1700000000" build="1700000000"/><size package="100000" installed="300000" archive="300500"/><location href="Packages/%[1]s.rpm"/><format><rpm:license>GPL-2.0-or-later</rpm:license><rpm:vendor>nobody</rpm:vendor><rpm:group>Unspecified</rpm:group><rpm:buildhost>localhost</rpm:buildhost><rpm:sourcerpm>%[1]s.src.rpm</rpm:sourcerpm><rpm:header-range start="4504" end="20000"/><rpm:provides><rpm:entry name="%[1]s" flags="EQ" epoch="0" ver="%[4]d"/><rpm:entry name="lib%[1]s.so.1()(64bit)"/></rpm:provides><rpm:requires><rpm:entry name="libc.so.6(GLIBC_2.34)(64bit)"/><rpm:entry name="rtld(GNU_HASH)"/></rpm:requires><file>/usr/bin/%[1]s</file></format></package>`+"\n", name, version, id, i)
	case "filelists":
		fmt.Fprintf(b, `<package pkgid="%s" name="%s" arch="x86_64">%s`, id, name, version)
		for f := range files {
			fmt.Fprintf(b, `<file>/usr/share/%s/data/part-%02d/file-%04d.dat</file>`, name, f%10, f)
		}
		b.WriteString("</package>\n")
	case "other":
		fmt.Fprintf(b, `<package pkgid="%s" name="%s" arch="x86_64">%s<changelog author="nobody" date="1700000000">- first</changelog></package>`+"\n", id, name, version)
	}
}

func readGzip(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(z)
	return string(text), err
}

func sum(content []byte) string {
	h := sha256.Sum256(content)
	return hex.EncodeToString(h[:])
}
