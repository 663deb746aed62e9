# mgw - build, check, install.  GNU make.
#
#	make			mgw and the tools, in build/
#	make deps		install what building and testing need (Debian)
#	make check		everything a clean machine can run
#	make check SAN=1	the same under AddressSanitizer and UBSan
#	make demo [KEEP=1]	see it work on loopback
#	make bench		measure it beside its peers
#	make fuzz [T=json] [S=60]	one fuzz target, for some seconds
#	make lint		cppcheck, shellcheck, man page warnings
#	make install PREFIX=/usr DESTDIR=/tmp/root

PREFIX	?= /usr/local
SBINDIR	?= $(PREFIX)/sbin
BINDIR	?= $(PREFIX)/bin
MANDIR	?= $(PREFIX)/share/man
CFLAGS	?= -O2 -g
PKGS	 = json-c libcrypto yaml-0.1 libcurl

O	 = build
ifeq ($(SAN),1)
O	 = build/san
SANFLAGS = -fsanitize=address,undefined -fno-omit-frame-pointer \
	   -fno-sanitize-recover=undefined
endif

WARN	 = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	   -Wmissing-prototypes -Wwrite-strings -Wformat=2 -Wvla
ALLCPP	 = -I. -D_GNU_SOURCE $(CPPFLAGS)
ALLC	 = -std=c11 -pthread $(WARN) $(CFLAGS) $(SANFLAGS)

BASE	 = $(patsubst %.c,$O/%.o,$(wildcard base/*.c))
POLICY	 = $(patsubst %.c,$O/%.o,$(wildcard policy/*.c))
SPEC	 = $(patsubst %.c,$O/%.o,$(wildcard spec/*.c))
FCGI	 = $(patsubst %.c,$O/%.o,$(filter-out fcgi/mgw.c,$(wildcard fcgi/*.c)))
SHARED	 = $(patsubst %.c,$O/%.o,$(filter-out tools/mgw-%,$(wildcard tools/*.c)))
TOOLS	 = $(patsubst tools/%.c,$O/%,$(wildcard tools/mgw-*.c))
UNIT	 = $(patsubst %.c,$O/%,$(wildcard tests/unit/test_*.c))
HELPERS	 = $(patsubst %.c,$O/%.o,$(wildcard tests/*.c))
FUZZ	 = $(patsubst %.c,$O/%,$(wildcard tests/fuzz/fuzz_*.c))

# libcurl is loaded by fcgi/ when it is first used, not linked.
LIBS	 = -ljson-c -lcrypto -lm -pthread -ldl

all: $(if $(wildcard fcgi/mgw.c),$O/mgw) $(TOOLS)

$O/mgw: $O/fcgi/mgw.o $(FCGI) $(POLICY) $(BASE)
	$(CC) $(ALLC) $(LDFLAGS) -o $@ $^ -lfcgi $(LIBS)

$O/mgw-%: $O/tools/mgw-%.o $(SHARED) $(SPEC) $(POLICY) $(BASE)
	$(CC) $(ALLC) $(LDFLAGS) -o $@ $^ -lyaml $(LIBS)

$O/tests/unit/%: $O/tests/unit/%.o $(HELPERS) $(SPEC) $(FCGI) $(POLICY) \
    $(BASE)
	$(CC) $(ALLC) $(LDFLAGS) -o $@ $^ -lfcgi -lyaml $(LIBS) \
	    $(shell pkg-config --libs check)

$O/tests/fuzz/%: $O/tests/fuzz/%.o $O/tests/fuzz/replay.o $(SPEC) $(FCGI) \
    $(POLICY) $(BASE)
	$(CC) $(ALLC) $(LDFLAGS) -o $@ $^ -lfcgi -lyaml $(LIBS)

$O/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALLCPP) $(ALLC) -MMD -MP -c -o $@ $<

check: all $(UNIT) $(FUZZ)
	O=$O tests/run.sh

# Only what takes seconds: layers, unit tests, fuzz corpora.
unit: all $(UNIT) $(FUZZ)
	O=$O tests/run.sh quick

clean:
	rm -rf build

.PHONY: all check unit clean
.SECONDARY:
-include $(shell find build -name '*.d' 2>/dev/null)
