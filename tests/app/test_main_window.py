import pytest
from PySide6.QtCore import QMimeData, QPointF, QSettings, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QTabBar

from odeviz.app import main_window
from odeviz.app.main_window import MainWindow
from odeviz.app.panel_places import arrange, places_of
from odeviz.widgets.dock_title import DockTitle
from odeviz.widgets.theme import Theme

pytestmark = pytest.mark.qt_log_ignore("propagateSizeHints", extend=True)


@pytest.fixture
def make_window(qtbot, nothing_left):
    made = []

    def make(settings=None):
        theme = Theme("light")
        window = MainWindow(theme, settings)
        made.append((window, theme))
        return window

    yield make
    for window, theme in made:
        window.may_close = True
        window.close()
        window.deleteLater()
        theme.deleteLater()


@pytest.fixture
def settings(tmp_path):
    return QSettings(str(tmp_path / "window.ini"), QSettings.Format.IniFormat)


def test_every_dock_has_a_name_of_its_own(make_window):
    names = [dock.objectName() for dock in make_window().docks.values()]
    assert len(set(names)) == len(names)
    assert all(names)


def test_the_layout_is_remembered(make_window, settings):
    first = make_window(settings)
    first.show()
    first.docks["nfe"].hide()
    first.close()
    second = make_window(settings)
    second.show()
    assert second.docks["nfe"].isHidden()
    assert not second.docks["loss"].isHidden()


def test_a_layout_of_another_version_is_left_alone(make_window, settings, monkeypatch):
    first = make_window(settings)
    first.show()
    first.docks["nfe"].hide()
    first.close()
    monkeypatch.setattr(main_window, "LAYOUT_VERSION", main_window.LAYOUT_VERSION + 1)
    second = make_window(settings)
    second.show()
    assert not second.docks["nfe"].isHidden()


def test_a_theme_is_remembered_if_it_was_chosen_in_the_window(make_window, settings):
    given = make_window(settings)
    given.show()
    given.close()
    assert settings.value("window/theme") is None
    chosen = make_window(settings)
    for mode in ("dark", "light"):
        chosen.theme.set_mode(mode)
        # At once: a window may be killed.
        assert QSettings(settings.fileName(), settings.format()).value("window/theme") == mode


def test_the_layout_is_kept_now_and_then_while_no_dock_is_withdrawn(make_window, settings):
    window = make_window(settings)
    window.show()
    window.docks["nfe"].hide()
    window.behind.offer(False)
    window._memory._timer.timeout.emit()
    assert settings.value("window/state") is None
    window.behind.offer(True)
    window._memory._timer.timeout.emit()
    assert make_window(settings).docks["nfe"].isHidden()


def test_reset_layout_brings_everything_back(make_window):
    window = make_window()
    window.show()
    for dock in window.docks.values():
        dock.hide()
    window.docks["loss"].setFloating(True)
    window.reset_layout()
    assert not any(dock.isFloating() for dock in window.docks.values())
    assert [key for key, dock in window.docks.items() if dock.isHidden()] == ["log"]


@pytest.mark.qt_log_ignore("propagateSizeHints|does not support raise", extend=True)
def test_a_panel_with_nothing_to_show_is_not_offered_and_comes_back_as_it_was(make_window, settings, qtbot):
    window = make_window(settings)
    window.show()
    density, views = window.docks["density"], window.docks["view"]
    qtbot.waitUntil(lambda: window.is_seen(window.density))
    window.behind.offer(False)
    qtbot.waitUntil(lambda: window.is_seen(window.view))
    assert density.isHidden()
    assert not density.toggleViewAction().isVisible()
    window.behind.offer(True)
    qtbot.waitUntil(lambda: window.is_seen(window.density))
    window.behind.offer(False)
    # Neither a new layout nor one that was kept brings it back, and a session does not take it for closed.
    window.reset_layout()
    assert density.isHidden()
    places = places_of(window)
    assert next(place for place in places if place.key == "density").shown
    arrange(window, places)
    assert density.isHidden()
    qtbot.waitUntil(lambda: window.is_seen(window.view))
    window.behind.offer(True)
    assert not density.isHidden()
    assert views in window.tabifiedDockWidgets(density)
    window.behind.offer(False)
    window.close()
    assert not make_window(settings).docks["density"].isHidden()


def test_without_settings_nothing_is_written(make_window, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    window = make_window()
    window.show()
    window.close()
    assert list(tmp_path.iterdir()) == []


def test_docks_that_share_a_place_have_their_title_on_the_tab_only(make_window):
    window = make_window()
    window.show()
    assert not isinstance(window.docks["loss"].titleBarWidget(), DockTitle)
    assert isinstance(window.docks["experiment"].titleBarWidget(), DockTitle)
    for key in ("nfe", "precision", "series"):
        window.docks[key].hide()
    assert isinstance(window.docks["loss"].titleBarWidget(), DockTitle)


@pytest.mark.qt_log_ignore("propagateSizeHints|does not support raise", extend=True)
def test_a_docks_title_grows_with_the_text_takes_it_out_and_closes_it(make_window, qtbot):
    window = make_window()
    window.show()
    dock = window.docks["experiment"]
    title = dock.titleBarWidget()
    sizes = [title.closes.iconSize().width()]
    for scale in (2.0, 1.0):
        window.theme.set_scale(scale)
        sizes.append(title.closes.iconSize().width())
    assert sizes == [15, 30, 15]
    for out in (True, False):
        qtbot.mouseClick(dock.titleBarWidget().floats, Qt.MouseButton.LeftButton)
        assert dock.isFloating() is out
        # A dock that floats keeps a title that explains, puts back and closes.
        assert isinstance(dock.titleBarWidget(), DockTitle)
    assert "Take out" in dock.titleBarWidget().floats.toolTip()
    qtbot.mouseClick(dock.titleBarWidget().closes, Qt.MouseButton.LeftButton)
    assert dock.isHidden()


def test_tabs_without_room_are_scrolled_and_no_word_of_them_is_cut_short(make_window):
    window = make_window()
    window.theme.set_scale(2.0)
    window.show()
    window.resize(1024, 700)
    bars = window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly)
    assert sum(bar.count() for bar in bars) == 7
    for bar in bars:
        for k in range(bar.count()):
            assert bar.tabRect(k).width() > bar.fontMetrics().horizontalAdvance(bar.tabText(k))


def test_the_docks_give_way_when_the_window_is_made_narrower_and_come_back(make_window, qtbot):
    window = make_window()
    window.resize(1440, 900)
    window.reset_layout()
    window.show()
    docks = [window.docks["experiment"], window.docks["loss"]]
    qtbot.waitUntil(lambda: docks[1].width() > 200)
    wide = [dock.width() for dock in docks]
    for width in range(1400, 899, -100):
        window.resize(width, 900)
    qtbot.waitUntil(lambda: window.flow.width() >= 0.4 * 900)
    assert docks[1].width() < wide[1]
    window.resize(1440, 900)
    qtbot.waitUntil(lambda: [dock.width() for dock in docks] == pytest.approx(wide, abs=3))


@pytest.mark.parametrize(("width", "height"), [(1024, 700), (1440, 900)])
def test_the_window_fits(make_window, width, height):
    window = make_window()
    window.resize(width, height)
    window.reset_layout()
    window.show()
    assert (window.width(), window.height()) == (width, height)
    assert window.flow.width() >= 0.4 * width
    assert window.flow.height() >= 0.5 * height


def dropped(data):
    return QDropEvent(
        QPointF(10, 10),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )


def test_a_model_file_can_be_dropped_on_the_window(make_window, qtbot, tmp_path):
    window = make_window()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "a.odeviz"))])
    with qtbot.waitSignal(window.file_dropped) as caught:
        window.dropEvent(dropped(data))
    assert caught.args == [tmp_path / "a.odeviz"]


def test_an_experiments_line_can_be_dropped_on_the_window_and_other_texts_cannot(make_window, qtbot):
    window = make_window()
    line, other = QMimeData(), QMimeData()
    line.setText("odeviz:moons-density?seed=3")
    other.setText("moons-density")
    with qtbot.assertNotEmitted(window.line_dropped):
        window.dropEvent(dropped(other))
    with qtbot.waitSignal(window.line_dropped) as caught:
        window.dropEvent(dropped(line))
    assert caught.args == ["odeviz:moons-density?seed=3"]


def test_a_paint_is_timed(make_window, qtbot):
    window = make_window()
    with qtbot.waitSignal(window.painted) as caught:
        window.show()
    assert 0.0 < caught.args[0] < 5.0
