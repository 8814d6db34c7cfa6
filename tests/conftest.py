import pytest


@pytest.fixture(scope="session", autouse=True)
def data_folder(tmp_path_factory):
    """Keep tests from reading and writing the user's own data."""
    folder = tmp_path_factory.mktemp("minicnn_data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINICNN_DATA", str(folder))
        yield folder
