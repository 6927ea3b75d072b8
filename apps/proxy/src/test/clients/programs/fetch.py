"""Downloads and uploads through a proxy with one of three libraries.

Usage: fetch.py LIBRARY PROXY BASE...
For every base URL it gets /file, sends it back to /hash, and prints one JSON line with both hashes.
"""
import hashlib
import json
import ssl
import sys
import warnings

library, proxy, bases = sys.argv[1], sys.argv[2], sys.argv[3:]
warnings.simplefilter("ignore")


def with_urllib():
    from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    opener = build_opener(ProxyHandler({"http": proxy, "https": proxy}), HTTPSHandler(context=context))
    return lambda url, body=None: opener.open(Request(url, data=body), timeout=30).read()


def with_requests():
    import requests

    session = requests.Session()
    session.trust_env = False
    session.proxies = {"http": proxy, "https": proxy}
    session.verify = False

    def ask(url, body=None):
        answer = session.get(url, timeout=30) if body is None else session.post(url, data=body, timeout=30)
        answer.raise_for_status()
        return answer.content

    return ask


def with_httpx():
    import httpx

    client = httpx.Client(proxies=proxy, verify=False, trust_env=False, timeout=30)

    def ask(url, body=None):
        # A generator is sent in chunks, without a length.
        answer = client.get(url) if body is None else client.post(url, content=(body[at : at + 65536] for at in range(0, len(body), 65536)))
        answer.raise_for_status()
        return answer.content

    return ask


ask = {"urllib": with_urllib, "requests": with_requests, "httpx": with_httpx}[library]()
for base in bases:
    body = ask(base + "/file")
    print(json.dumps({"down": hashlib.sha256(body).hexdigest(), "up": json.loads(ask(base + "/hash", body))["sha256"]}))
