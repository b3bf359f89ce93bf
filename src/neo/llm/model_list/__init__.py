"""The models that agents may choose from: those of the operator's file, or of the providers that are set up.

An entry is all that is known of one model before it is called. `read_models_file` checks the file's words, `resolved`
fetches keys and addresses, and `chosen_model` alone makes from an entry what a call needs.
"""

from neo.llm.model_list.choosing import chosen_model
from neo.llm.model_list.entry import ModelEntry, entry_of
from neo.llm.model_list.file import FileEntry, ModelsFile, read_models_file
from neo.llm.model_list.model_list import ModelList
from neo.llm.model_list.offered import OfferedModel, offered
from neo.llm.model_list.resolve import resolved, unresolved

__all__ = [
    "FileEntry",
    "ModelEntry",
    "ModelList",
    "ModelsFile",
    "OfferedModel",
    "chosen_model",
    "entry_of",
    "offered",
    "read_models_file",
    "resolved",
    "unresolved",
]
