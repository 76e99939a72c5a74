"""Where things are found."""

from odeviz.storage import paths


def test_resources_are_found_in_a_checkout_and_in_an_installed_package(tmp_path, monkeypatch):
    package = tmp_path / "odeviz"
    (package / "storage").mkdir(parents=True)
    monkeypatch.setattr(paths, "_PACKAGE", package)
    assert paths.resource("a", "b") == tmp_path / "resources" / "a" / "b"
    (package / "resources").mkdir()
    assert paths.resource("a", "b") == package / "resources" / "a" / "b"


def test_a_pretrained_model_is_found_by_its_presets_name_only(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "_PACKAGE", tmp_path)
    models = tmp_path / "resources" / "models"
    models.mkdir(parents=True)
    (models / "moons.odeviz").touch()
    (tmp_path / "resources" / "outside.odeviz").touch()
    assert paths.pretrained("moons") == models / "moons.odeviz"
    for name in ["none", "", "../outside", "..", str(models / "moons")]:
        assert paths.pretrained(name) is None


def test_user_folders_are_odevizs_own():
    assert "odeviz" in paths.config_dir().parts
    assert "odeviz" in paths.state_dir().parts
