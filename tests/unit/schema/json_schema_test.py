"""The generated JSON Schema and `sluicectl config check` have one opinion of every file here.

The first line of each bad file's .faults says what the schema makes of it:
  schema: refuses   it holds a fault that one key alone shows
  schema: accepts   the fault lies between keys, which no schema can tell
  schema: no yaml   there is nothing to validate
"""
import json
import pathlib
import subprocess
import sys
import unittest

import jsonschema
import yaml

SLUICECTL = sys.argv.pop(1)
HERE = pathlib.Path(__file__).parent
DEFAULTS = HERE / "../../../config/defaults"


def ctl(*arguments):
    return subprocess.run([SLUICECTL, *arguments], capture_output=True, text=True, check=False)


def opinion(validator, file):
    try:
        document = yaml.safe_load(file.read_bytes())
    except (yaml.YAMLError, UnicodeDecodeError):
        return "no yaml"
    return "accepts" if validator.is_valid(document) else "refuses"


class JsonSchema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        schema = json.loads(ctl("config", "schema").stdout)
        jsonschema.Draft202012Validator.check_schema(schema)
        cls.schema = schema
        cls.validator = jsonschema.Draft202012Validator(
            schema, format_checker=jsonschema.FormatChecker())

    def test_good_files(self):
        files = [*DEFAULTS.glob("*.yaml"), *HERE.glob("good/*.yaml")]
        self.assertGreaterEqual(len(files), 5)
        for file in files:
            with self.subTest(file.name):
                self.validator.validate(StringKeys.load(file))
                self.assertEqual(ctl("config", "check", str(file)).returncode, 0)

    def test_bad_files(self):
        files = sorted(HERE.glob("bad/*.yaml"))
        self.assertGreaterEqual(len(files), 40)
        for file in files:
            with self.subTest(file.name):
                stated = file.with_suffix(".faults").read_text().splitlines()[0]
                self.assertEqual(stated, "schema: " + opinion(self.validator, file))
                self.assertEqual(ctl("config", "check", str(file)).returncode, 1)

    def test_every_key_is_described(self):
        def walk(schema, path):
            for key, inner in schema.get("properties", {}).items():
                self.assertTrue(inner.get("description"), f"{path}.{key}")
                walk(inner, f"{path}.{key}")
            for inner in schema.get("anyOf", []):
                walk(inner, path)
            for word in ("items", "additionalProperties"):
                if isinstance(schema.get(word), dict):
                    walk(schema[word], f"{path}[]")
        walk(self.schema, "")


class StringKeys(yaml.SafeLoader):
    """JSON's keys are strings, whatever YAML takes a key for."""

    @classmethod
    def load(cls, file):
        return json.loads(json.dumps(yaml.load(file.read_bytes(), cls)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
