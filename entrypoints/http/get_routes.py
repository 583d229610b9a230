"""Routes that are read by GET, or by HEAD for the headers.

Monitors, link checkers and download managers ask by HEAD before they get, or instead.
"""

from functools import partial

from litestar import HttpMethod, route

#: Declare a handler for GET and HEAD; the framework leaves out the body of an answer to HEAD.
get = partial(route, http_method=[HttpMethod.GET, HttpMethod.HEAD])
