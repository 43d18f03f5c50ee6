"""What a page says when something goes wrong that nobody foresaw."""

import errno
import os

import pytest
from streamlit.testing.v1 import AppTest


def page(number):
    import os

    from cxrkd.dashboard import layout

    with layout.boundary():
        raise OSError(number, os.strerror(number), "/films/cache")


@pytest.mark.parametrize(
    ("number", "said"), [(errno.EROFS, "cannot write to its disk"), (errno.EIO, "went wrong on our side")]
)
def test_a_disk_that_cannot_be_written_is_the_operators_and_names_no_path(number, said):
    app = AppTest.from_function(page, kwargs={"number": number}).run()
    (error,) = app.error
    assert said in error.value
    assert (os.strerror(number) in error.value) == (number == errno.EROFS)
    assert "/films" not in error.value
