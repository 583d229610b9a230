"""The reference page shows the whole OpenAPI document, from our own origin."""

import re

from tests.entrypoints.support.http_fixtures import BROWSER, ApiClient


def test_each_operation_is_on_the_page_with_its_answers(api: ApiClient) -> None:
    document = api.http.get("/schema/openapi.json").json()
    answer = api.http.get("/reference", headers=BROWSER)
    assert answer.status_code == 200
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    shown = set(re.findall(r'<details class="operation" id="(\w+)">', answer.text))
    assert shown == {
        operation["operationId"] for operation in operations if not operation["operationId"].endswith("_head")
    }
    checkout = answer.text.partition('id="open_checkout">')[2].partition("</details>")[0]
    assert "<code>POST /api/checkout-sessions</code> Quote the session" in checkout
    assert "Idempotency-Key" in checkout
    assert "/problems/nothing-to-pay" in checkout
    assert "checkout.stripe.com" in checkout


def test_the_page_loads_nothing_from_elsewhere_and_needs_no_script(api: ApiClient) -> None:
    answer = api.http.get("/reference", headers=BROWSER)
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    loaded = re.findall(r'(?:src|href)="([^"#]+)"', answer.text)
    assert loaded
    assert not [address for address in loaded if "://" in address and "shop.example" not in address]
    assert "<script" not in answer.text
    assert " style=" not in answer.text


def test_the_page_is_in_english_like_the_document(api: ApiClient) -> None:
    answer = api.http.get("/reference", headers={**BROWSER, "Accept-Language": "de"})
    assert '<html lang="en"' in answer.text


def test_the_type_of_each_problem_leads_to_what_it_means(api: ApiClient) -> None:
    page = api.http.get("/reference", headers=BROWSER).text
    example = api.http.get("/api/uploads/0190f6a4-5b0e-7c1a-9d3e-2f4b6a8c0e12").json()
    assert example["type"].startswith("/problems/")
    answer = api.http.get(example["type"], follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].endswith(f"/reference#problem-{example['type'].split('/')[-1]}")
    named = set(re.findall(r'<a href="#(problem-[a-z-]+)">', page))
    assert named == set(re.findall(r'<dt id="(problem-[a-z-]+)">', page))
    assert api.http.get("/problems/unheard-of").status_code == 404
