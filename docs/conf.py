"""How Sphinx builds these pages: `make docs`, offline, warnings are errors."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

import qbat_circuits

logging.getLogger("qiskit").setLevel(logging.WARNING)  # its passes report what they do

project = "qbat_circuits"
author = "The qbat-circuits developers"
copyright = "the qbat-circuits developers, Apache-2.0"
version = release = qbat_circuits.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "myst_parser",
    "commands",
    "docstrings",
    "notebooks",
]
exclude_patterns = ["_ext"]
nitpicky = True

myst_heading_anchors = 3  # links such as physics.md#4-local-noise-beside-it
myst_links_external_new_tab = False

# The reference: signatures stay short, types stand beside the arguments that docstrings describe.
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
napoleon_numpy_docstring = False
napoleon_custom_sections = [("Attributes", "params_style")]  # a list, without links
python_use_unqualified_type_names = True
# Types of other libraries and internal aliases: nothing is downloaded to link them.
nitpick_ignore_regex = [("py:.*", r"(?!qbat_circuits\.[A-Z]\w*$).*")]

html_theme = "furo"
html_title = f"qbat_circuits {release}"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_copy_source = False
html_show_sphinx = False
