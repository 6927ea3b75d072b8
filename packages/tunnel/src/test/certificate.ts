/** A key and a certificate that everybody knows, for loopback tests only. */
export const testKey = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgan+3iXfW4qoJYL4+
/Ckb6MIjigpxDEuPADMGuIyKLA2hRANCAAQy4Wa+ySmrCqpqVKdZmoNZxCFXi4db
xOO+8j7+HTcu3oPdO7bkQOLh8ynlgrOUMA5wwyba3hxEc6wqzew+Irgn
-----END PRIVATE KEY-----
`;
export const testCertificate = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUYLQysjYMKlEhcPsnRmezmPIbSgcwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzE4NDAzMloYDzIxMjYxMDMw
MTg0MDMyWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQy4Wa+ySmrCqpqVKdZmoNZxCFXi4dbxOO+8j7+HTcu3oPdO7bkQOLh
8ynlgrOUMA5wwyba3hxEc6wqzew+Irgno28wbTAdBgNVHQ4EFgQUzZl6Tc/4mmDi
gmjBsetRmOheLT8wHwYDVR0jBBgwFoAUzZl6Tc/4mmDigmjBsetRmOheLT8wDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIgGbD8Ao+yIdTRMLBCO3a1imF5KAwWwc+P0U/XRc93Ll4CIQDE
t7A01R4A/ATVq/yYsrY+I5n3VXErojQPQ7u3k3eScQ==
-----END CERTIFICATE-----
`;
