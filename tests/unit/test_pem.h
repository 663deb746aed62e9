/*
 * test_pem - a certificate made by openssl req for tests alone; its key was
 * thrown away.
 */
#ifndef MGW_TESTS_TEST_PEM_H
#define MGW_TESTS_TEST_PEM_H

#define TEST_PEM                                                             \
	"-----BEGIN CERTIFICATE-----\n"                                      \
	"MIIB0DCCAXegAwIBAgIDChssMAoGCCqGSM49BAMCMCUxEjAQBgNVBAoMCVRlc3Qs\n" \
	"IEluYzEPMA0GA1UEAwwGY2xpZW50MCAXDTI2MTEyMTA2MjIwNFoYDzIxMjYxMDI4\n" \
	"MDYyMjA0WjAlMRIwEAYDVQQKDAlUZXN0LCBJbmMxDzANBgNVBAMMBmNsaWVudDBZ\n" \
	"MBMGByqGSM49AgEGCCqGSM49AwEHA0IABCAifuU/PagpJfhu6rwRAUnUfD5YLXyi\n" \
	"sZpL5VyKUT0jCLUWow9uJGXYu/aLVxVgqzbldHpzC/VD1Y0y8KOSpU6jgZMwgZAw\n" \
	"HQYDVR0OBBYEFOCngRqeFHKmRLifDuQLKDdNy6ChMB8GA1UdIwQYMBaAFOCngRqe\n" \
	"FHKmRLifDuQLKDdNy6ChMA8GA1UdEwEB/wQFMAMBAf8wPQYDVR0RBDYwNIIOY2xp\n" \
	"ZW50LmV4YW1wbGWBEGNAY2xpZW50LmV4YW1wbGWGCnVybjpjbGllbnSHBH8AAAEw\n" \
	"CgYIKoZIzj0EAwIDRwAwRAIgKFdWGHHISXA7/43Wm8N7LUM5L670/PYQd0dCf8i4\n" \
	"CLECIFS0lvcn92xdQr4Fk1iYrHa14qR+xHEseT4c+5WchHZs\n"                 \
	"-----END CERTIFICATE-----\n"

#endif
