# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# Prints what dnf makes of .repo files. Input and output are JSON: a list of contents
# in base64, and for each an object of repositories by id, or null if dnf cannot read
# the file.
import base64
import json
import logging
import os
import sys
import tempfile

import dnf.conf
import dnf.conf.read
import libdnf.conf

logging.disable(logging.CRITICAL)


def readable(path):
    try:
        libdnf.conf.ConfigParser().read(path)
    except RuntimeError:
        return False
    return True


def repositories(content):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "x.repo")
        with open(path, "wb") as f:
            f.write(content)
        if not readable(path):
            return None
        conf = dnf.conf.Conf()
        conf.reposdir = [directory]
        conf.config_file_path = os.devnull
        return {
            repo.id: {
                "enabled": bool(repo.enabled),
                "gpgcheck": bool(repo.gpgcheck),
                "baseurl": [url for url in repo.baseurl if url.strip("\r")],
            }
            for repo in dnf.conf.read.RepoReader(conf, {})
        }


json.dump([repositories(base64.b64decode(text)) for text in json.load(sys.stdin)], sys.stdout)
