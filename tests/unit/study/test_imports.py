import os
import textwrap
from pathlib import Path

import pytest

from ventral.data.kinds import find_kind, kinds
from ventral.readouts import catalogue
from ventral.study import imports
from ventral.study.imports import imported_files, method_files, method_hash, own_code

ROOT = Path(__file__).parents[3]
STATISTICS = {"ventral/scores/scoring.py", "ventral/readouts/linear.py", "ventral/data/responses.py"}


def code_of(script: str) -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in imported_files(ROOT / "scripts" / f"{script}.py", ROOT)}


def test_imports_are_followed(tmp_path):
    (tmp_path / "ventral" / "deep").mkdir(parents=True)
    (tmp_path / "script.py").write_text("import numpy\nfrom ventral import first\n")
    (tmp_path / "ventral" / "__init__.py").write_text("")
    (tmp_path / "ventral" / "first.py").write_text("def late():\n    import ventral.deep.second\n")
    (tmp_path / "ventral" / "deep" / "second.py").write_text("from ventral.deep import third\n")
    (tmp_path / "ventral" / "deep" / "third.py").write_text("")
    (tmp_path / "ventral" / "other.py").write_text("")
    names = {path.relative_to(tmp_path).as_posix() for path in imported_files(tmp_path / "script.py", tmp_path)}
    assert names == {
        "ventral/__init__.py",
        "ventral/first.py",
        "ventral/deep/second.py",
        "ventral/deep/third.py",
    }


def test_a_computed_module_name_imports_the_whole_package_and_type_imports_nothing(tmp_path):
    files = {
        "__init__.py": "",
        "parts/__init__.py": "",
        "parts/one.py": "",
        "parts/two.py": "if TYPE_CHECKING:\n    import ventral.types\nelse:\n    import ventral.late\n",
        "types.py": "",
        "late.py": "",
    }
    for name, text in files.items():
        path = tmp_path / "ventral" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    script = "from importlib import import_module\ndef part(name):\n    import_module(f'{}{name}')\n"
    (tmp_path / "all.py").write_text(script.replace("{}", "ventral.parts."))
    (tmp_path / "one.py").write_text(script.replace("{}", "{PACKAGE}."))
    names = {
        path.relative_to(tmp_path / "ventral").as_posix() for path in imported_files(tmp_path / "all.py", tmp_path)
    }
    assert names == set(files) - {"types.py"}
    assert not imported_files(tmp_path / "one.py", tmp_path)


@pytest.mark.parametrize(
    "script",
    [
        *("simulate_majaj", "pack_images", "simulate_xiao", "align_fixations", "pack_xiao_images"),
        "extract_activations",
    ],
)
def test_nothing_before_a_gram_matrix_depends_on_statistics(script):
    """A change of a score or of a readout must not run a network again."""
    assert not code_of(script) & STATISTICS


@pytest.mark.parametrize("kind", [kind for kind in kinds() if hasattr(find_kind(kind), "read_images")])
def test_images_of_a_kind_depend_on_neither_its_responses_nor_its_description(kind):
    """An edit of a reader of responses, or of how a kind is described, must not pack images anew and run networks."""
    module = ROOT / "ventral" / "data" / "sources" / f"{kind}.py"
    read = {
        reader: {path.relative_to(ROOT).as_posix() for path in method_files(module, reader, ROOT)}
        for reader in ("read_images", "read_responses")
    }
    described = {"ventral/data/source.py", "ventral/files/keys.py", f"ventral/data/sources/{kind}.py"}
    assert not (read["read_images"] | code_of("pack_images")) & (STATISTICS | described)
    assert not (read["read_responses"] | code_of("read_responses")) & described
    assert "ventral/data/images.py" in read["read_images"]
    if kind == "majaj":
        assert "ventral/data/majaj/responses.py" in read["read_responses"] - read["read_images"]
        assert "ventral/data/majaj/files.py" in read["read_images"]


def test_a_method_depends_only_on_the_statements_it_uses(tmp_path):
    module = tmp_path / "ventral" / "kind.py"
    module.parent.mkdir()
    text = """
        from ventral import used, unused

        SIZE = 3
        OTHER = 4

        def helper():
            return used.read(SIZE)

        class Kind(Base):
            key: int = OTHER

            @staticmethod
            def read_images(files):
                from ventral import late
                return helper(), late

            @staticmethod
            def read_responses(files):
                return unused.read(OTHER)
    """
    for name in ("used", "unused", "late", "__init__"):
        (module.parent / f"{name}.py").write_text("")

    def told(text):
        module.write_text(textwrap.dedent(text))
        for cached in (method_files, method_hash, imports._modules):
            cached.cache_clear()
        return [method_hash(module, reader) for reader in ("read_images", "read_responses")]

    images, responses = told(text)
    names = {path.stem for path in method_files(module, "read_responses", tmp_path)}
    assert names == {"__init__", "used", "unused"}  # what one statement imports stays together
    assert {path.stem for path in method_files(module, "read_images", tmp_path)} == {*names, "late"}
    assert told(text.replace("OTHER = 4", "OTHER = 5"))[0] == images != told(text.replace("SIZE = 3", "SIZE = 4"))[0]
    assert told(text.replace("SIZE = 3", "SIZE = 4"))[1] == responses
    assert told(text.replace("key: int", "key: float")) == [images, responses]
    assert told(text.replace("def read_images", "def read_pictures"))[0] not in (images, responses)  # inherited: all


def test_no_network_is_trained_again_for_a_readout_or_a_table():
    code = code_of("train_encoder")
    assert {"ventral/encoders/trained.py", "ventral/training/search.py", "ventral/training/engine.py"} <= code
    readouts = {
        f"ventral/{name}.py"
        for name in ("readouts/linear", "readouts/contract", "readouts/ridge", "encoders/fit", "encoders/keep/dual")
    }
    assert all(map(os.path.isfile, readouts))
    assert not code & {
        *readouts,
        "ventral/tables/gather.py",
        "ventral/tables/scoring.py",
        "ventral/figures/style.py",
        "ventral/study/config.py",
    }


def test_no_readout_is_fitted_again_for_another_kind_or_for_a_table():
    kinds = {kind: imported_files(ROOT / "ventral" / "readouts" / f"{kind}.py", ROOT) for kind in catalogue.kinds()}
    for script in ("fit_encoders", "keep_encoder"):
        shared = code_of(script)
        assert {"ventral/readouts/contract.py", "ventral/encoders/fit.py"} <= shared
        for kind, files in kinds.items():
            needed = shared | {path.relative_to(ROOT).as_posix() for path in files} | {f"ventral/readouts/{kind}.py"}
            assert not needed & {f"ventral/readouts/{other}.py" for other in kinds if other != kind}
    assert not code_of("fit_encoders") & {"ventral/scores/scoring.py", "ventral/scores/metrics/r2.py"}
    engine = ROOT / "ventral" / "training" / "engine.py"
    assert [kind for kind, files in kinds.items() if engine in files] == ["mlp"]


def test_a_metric_or_a_figure_fits_nothing_and_draws_what_it_is_in():
    metric, figure = "ventral/scores/metrics/mse.py", "ventral/figures/rdms.py"
    assert metric in code_of("assemble_scores") and metric in code_of("write_report")
    assert not {metric, figure} & (code_of("fit_encoders") | code_of("train_encoder") | code_of("compare_rdms"))
    assert figure not in code_of("draw_figure")  # which learns from the rule what it draws


def test_own_code_is_followed_through_packages_circles_and_names_in_text(tmp_path):
    files = {
        "net.py": "import pkg.deep.part\nfrom helper import *\nimport importlib\nimportlib.import_module('late')\n",
        "helper.py": "import torch\n",
        "late.py": "",
        "other.py": "",
        "pkg/__init__.py": "from . import deep\n",
        "pkg/deep/__init__.py": "",
        "pkg/deep/part.py": "from ..sizes import N\nfrom .. import deep\n",
        "pkg/sizes.py": "from pkg import deep\nN = 3\n",
        "pkg/unused.py": "",
        "broken.py": "def (\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    def found(source, *roots):
        return {path.resolve().relative_to(tmp_path).as_posix() for path in own_code(source, roots)}

    package = {"pkg/__init__.py", "pkg/deep/__init__.py", "pkg/deep/part.py", "pkg/sizes.py"}
    assert found(str(tmp_path / "net.py"), ROOT) == {"net.py", "helper.py", "late.py", *package}
    assert found("pkg.deep.part", ROOT, tmp_path) == package
    assert found("pkg", tmp_path) == {"pkg/__init__.py", "pkg/deep/__init__.py"}
    assert found(str(tmp_path / "broken.py"), ROOT) == {"broken.py"}
    assert found("torch.nn", ROOT, tmp_path) == set()
