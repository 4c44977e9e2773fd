// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Command stack writes the zip file that Oracle's Resource Manager makes a stack from:
// the example complete in its root, with the modules and the cloud-init that it uses
// below it. The same files and SOURCE_DATE_EPOCH give the same bytes.
package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// parts are where the files of the stack are, below deploy, and where they go.
var parts = []struct{ from, to string }{
	{"terraform/examples/complete", "."},
	{"terraform/modules", "modules"},
	{"cloud-init", "cloud-init"},
}

// moved are paths in the files that are others in the stack.
var moved = strings.NewReplacer(`"../../modules/`, `"./modules/`, "${path.module}/../../../cloud-init", "${path.module}/../../cloud-init", "../../../../docs/", "https://github.com/falco-bootstrap/falco-bootstrap/blob/main/docs/")

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: stack DEPLOY ZIP")
		os.Exit(64)
	}
	var out bytes.Buffer
	err := write(&out, os.DirFS(os.Args[1]))
	if err == nil {
		err = os.WriteFile(os.Args[2], out.Bytes(), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "stack:", err)
		os.Exit(1)
	}
}

func write(w io.Writer, deploy fs.FS) error {
	seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	out := zip.NewWriter(w)
	for _, part := range parts {
		err := fs.WalkDir(deploy, part.from, func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (d.Name() == "tests" || d.Name() == ".terraform"):
				return fs.SkipDir
			case d.IsDir() || strings.HasPrefix(d.Name(), ".") || strings.HasSuffix(d.Name(), ".tfvars") || strings.Contains(d.Name(), ".tfstate"):
				return nil
			}
			content, err := fs.ReadFile(deploy, name)
			if err != nil {
				return err
			}
			if ext := filepath.Ext(name); ext == ".tf" || ext == ".md" {
				content = []byte(moved.Replace(string(content)))
			}
			header := &zip.FileHeader{Name: path.Join(part.to, strings.TrimPrefix(name, part.from)), Method: zip.Deflate, Modified: time.Unix(seconds, 0).UTC()}
			header.SetMode(0o644)
			f, err := out.CreateHeader(header)
			if err == nil {
				_, err = f.Write(content)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return out.Close()
}
