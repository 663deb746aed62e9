# mgw - build, check, install.  GNU make.
#
#	make			mgw and the tools, in build/
#	make deps		install what building and testing need (Debian)
#	make check		everything a clean machine can run
#	make check SAN=1	the same under AddressSanitizer and UBSan
#	make demo [KEEP=1]	see it work on loopback
#	make e2e [T=allowed]	only the tests behind real web servers
#	make bench		measure it beside its peers
#	make fuzz [T=json] [S=60]	one fuzz target, for some seconds
#	make lint		cppcheck, shellcheck, man page warnings
#	make install PREFIX=/usr DESTDIR=/tmp/root

PREFIX	?= /usr/local
SBINDIR	?= $(PREFIX)/sbin
BINDIR	?= $(PREFIX)/bin
MANDIR	?= $(PREFIX)/share/man
SHAREDIR ?= $(PREFIX)/share/mgw
SYSCONFDIR ?= /etc
UNITDIR	?= $(PREFIX)/lib/systemd/system
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
CFLAGS	?= -O2 -g

# make V=1 shows whole commands.
ifneq ($V,1)
CC_SAYS	 = @echo "  CC $@";
LD_SAYS	 = @echo "  LD $@";
endif

PKGS	 = json-c libcrypto yaml-0.1 libcurl

O	 = build
ifeq ($(SAN),1)
O	 = build/san
SANFLAGS = -fsanitize=address,undefined -fno-omit-frame-pointer \
	   -fno-sanitize-recover=undefined
endif
REPLAY	 = $O/tests/fuzz/replay.o
ifneq ($(filter fuzz,$(MAKECMDGOALS)),)
O	 = build/fuzz
CC	 = clang
SANFLAGS = -fsanitize=fuzzer-no-link,address,undefined \
	   -fno-sanitize-recover=undefined
REPLAY	 = -fsanitize=fuzzer
endif

WARN	 = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes \
	   -Wmissing-prototypes -Wwrite-strings -Wformat=2 -Wvla
ALLCPP	 = -I. -D_GNU_SOURCE $(CPPFLAGS)
ALLC	 = -std=c11 -pthread $(WARN) $(CFLAGS) $(SANFLAGS)

BASE	 = $(patsubst %.c,$O/%.o,$(wildcard base/*.c))
POLICY	 = $(patsubst %.c,$O/%.o,$(wildcard policy/*.c))
SPEC	 = $(patsubst %.c,$O/%.o,$(wildcard spec/*.c))
# Counters of several machines need hiredis; HIREDIS= builds without.
HIREDIS	:= $(if $(shell pkg-config --libs hiredis 2>/dev/null),1)
ifeq ($(HIREDIS),1)
NOT_STORE = fcgi/redis_none.c
else
NOT_STORE = fcgi/redis.c fcgi/redis_library.c fcgi/redis_tls.c
endif
FCGI	 = $(patsubst %.c,$O/%.o,$(filter-out fcgi/mgw.c $(NOT_STORE), \
	   $(wildcard fcgi/*.c)))
SHARED	 = $(patsubst %.c,$O/%.o,$(filter-out tools/mgw-% tools/spec_% \
	   tools/app_% tools/key_% tools/token_% tools/throttle_%,$(wildcard tools/*.c)))
SUBCOMMANDS = $(patsubst %.c,$O/%.o,$(wildcard tools/spec_*.c))
TOOLS	 = $(patsubst tools/%.c,$O/%,$(wildcard tools/mgw-*.c))
UNIT	 = $(patsubst %.c,$O/%,$(wildcard tests/unit/test_*.c))
HELPERS	 = $(patsubst %.c,$O/%.o,$(wildcard tests/*.c))
FUZZ	 = $(patsubst %.c,$O/%,$(wildcard tests/fuzz/fuzz_*.c))

# libcurl, hiredis and libssl are loaded by fcgi/ when they are first used,
# not linked.
LIBS	 = -ljson-c -lcrypto -lcrypt -lm -pthread -ldl
LIBS_GATE = -lfcgi $(LIBS)

# What this call must have installed first; order-only, costs nothing when
# it is there.
DEPS	:= $(addprefix deps-,$(filter check demo bench fuzz lint,$(MAKECMDGOALS)))

# What is installed may change what was found above: when that is done for
# the first time, make reads this file again.
ifneq ($(DEPS),)
-include $O/$(firstword $(DEPS)).mk
$O/deps-%.mk: | $(DEPS)
	@mkdir -p $(@D) && touch $@
endif

E2E	 = $(patsubst %.c,$O/%,$(filter-out %_words.c %_bodies.c,$(wildcard \
	   tests/e2e/*.c))) \
	   $O/tests/bench/hello $O/tests/bench/target

all: $(if $(wildcard fcgi/mgw.c),$O/mgw) $(TOOLS)

$O/mgw: $O/fcgi/mgw.o $(FCGI) $(POLICY) $(BASE)
	$(LD_SAYS)$(CC) $(ALLC) $(LDFLAGS) -o $@ $^ $(LIBS_GATE)

$O/mgw-spec: $(SUBCOMMANDS)
$O/mgw-app: $(patsubst %.c,$O/%.o,$(wildcard tools/app_*.c))
$O/mgw-key: $(patsubst %.c,$O/%.o,$(wildcard tools/key_*.c))
$O/mgw-throttle: $(patsubst %.c,$O/%.o,$(wildcard tools/throttle_*.c))
$O/mgw-token: $(patsubst %.c,$O/%.o,$(wildcard tools/token_*.c))

$O/mgw-%: $O/tools/mgw-%.o $(SHARED) $(SPEC) $(POLICY) $(BASE)
	$(LD_SAYS)$(CC) $(ALLC) $(LDFLAGS) -o $@ $^ -lyaml $(LIBS)

$O/tests/unit/%: $O/tests/unit/%.o $(HELPERS) $(SPEC) $(FCGI) $(POLICY) \
    $(BASE)
	$(LD_SAYS)$(CC) $(ALLC) $(LDFLAGS) -o $@ $^ -lyaml $(LIBS_GATE) \
	    $(shell pkg-config --libs check)

$O/tests/fuzz/%: $O/tests/fuzz/%.o $(filter %.o,$(REPLAY)) $(SPEC) $(FCGI) \
    $(POLICY) $(BASE)
	$(LD_SAYS)$(CC) $(ALLC) $(filter -%,$(REPLAY)) $(LDFLAGS) -o $@ $^ \
	    -lyaml $(LIBS_GATE)

$O/tests/bench/micro: $O/tests/bench/micro.o $(POLICY) $(BASE)
	$(LD_SAYS)$(CC) $(ALLC) $(LDFLAGS) -o $@ $^ $(LIBS)

$O/tests/bench/decision: $O/tests/bench/decision.o $(FCGI) $(POLICY) $(BASE)
	$(CC) $(ALLC) $(LDFLAGS) -o $@ $^ $(LIBS_GATE)

$O/tests/bench/%: $O/tests/bench/%.o
	$(LD_SAYS)$(CC) $(ALLC) $(LDFLAGS) -o $@ $^ -lfcgi

# The server behind the gate in tests, demo and bench.
$O/tests/e2e/backend: $O/tests/e2e/backend.o $O/tests/e2e/backend_words.o \
    $O/tests/e2e/backend_bodies.o
	$(LD_SAYS)$(CC) $(ALLC) $(LDFLAGS) -o $@ $^ -lssl -lcrypto

$O/tests/e2e/state: $O/tests/e2e/state.o $(POLICY) $(BASE)
	$(CC) $(ALLC) $(LDFLAGS) -o $@ $^ $(LIBS)

$O/tests/e2e/%: $O/tests/e2e/%.o
	$(LD_SAYS)$(CC) $(ALLC) $(LDFLAGS) -o $@ $^

# Not from Debian; without it a test is skipped.
$O/oidc/oidc.mjs: tests/e2e/oidc.mjs tests/oidc.sh
	@tests/oidc.sh $@

# A missing library is named with its package before anything is compiled.
$O/libs: tests/need_libs.sh | $(DEPS)
	@mkdir -p $(@D)
	@tests/need_libs.sh "$(CC)" && touch $@

$O/%.o: %.c | $O/libs
	@mkdir -p $(@D)
	$(CC_SAYS)$(CC) $(ALLCPP) $(ALLC) -MMD -MP -c -o $@ $<

deps: deps-check
deps-check deps-demo deps-bench deps-fuzz deps-lint: deps-%:
	@tests/deps.sh build $*

check: deps-check all $(UNIT) $(FUZZ) $(E2E) $O/oidc/oidc.mjs
	O=$O tests/run.sh

# Only what takes seconds: layers, unit tests, fuzz corpora.
unit: all $(UNIT) $(FUZZ)
	O=$O tests/run.sh quick

# Everything that a test starts, built and not run.
tests-built: $(UNIT) $(FUZZ) $(E2E)

# Only what needs web servers; T=NAME for one file.
e2e: all $(E2E) $O/oidc/oidc.mjs
	O=$O tests/run.sh e2e $(T)

demo: deps-demo all $(E2E)
	O=$O KEEP=$(KEEP) tests/demo.sh

bench: deps-bench all $(E2E) $O/tests/bench/micro $O/tests/bench/decision
	O=$O tests/bench/bench.sh

# The targets with libFuzzer: one (T=) or all, each for S seconds.
T	?=
S	?= 60
fuzz: deps-fuzz $(if $T,$O/tests/fuzz/fuzz_$T,$(FUZZ))
	O=$O tests/fuzz.sh $S $(if $T,$T,$(FUZZ:$O/tests/fuzz/fuzz_%=%))

lint: deps-lint
	tests/lint.sh

install: all
	install -d $(DESTDIR)$(SBINDIR) $(DESTDIR)$(BINDIR) \
	    $(DESTDIR)$(SHAREDIR)/lighttpd $(DESTDIR)$(SHAREDIR)/apache \
	    $(DESTDIR)$(SHAREDIR)/examples $(DESTDIR)$(UNITDIR) \
	    $(DESTDIR)$(TMPFILESDIR) $(DESTDIR)$(SYSUSERSDIR) \
	    $(DESTDIR)$(SYSCONFDIR)/mgw
	install $O/mgw $(DESTDIR)$(SBINDIR)
	install $(TOOLS) $(DESTDIR)$(BINDIR)
	install -m 644 lighttpd/* $(DESTDIR)$(SHAREDIR)/lighttpd
	install -m 644 apache/* $(DESTDIR)$(SHAREDIR)/apache
	cp -R examples/. $(DESTDIR)$(SHAREDIR)/examples
	chmod -R u=rwX,go=rX $(DESTDIR)$(SHAREDIR)
	for f in man/*.[1-8]; do \
		install -D -m 644 "$$f" \
		    "$(DESTDIR)$(MANDIR)/man$${f##*.}/$${f##*/}" || exit 1; \
	done
	sed 's|@SBINDIR@|$(SBINDIR)|; s|@SYSCONFDIR@|$(SYSCONFDIR)|' \
	    dist/mgw.service >$(DESTDIR)$(UNITDIR)/mgw.service
	install -m 644 dist/mgw.socket $(DESTDIR)$(UNITDIR)
	sed 's|/etc/|$(SYSCONFDIR)/|' dist/tmpfiles.conf \
	    >$(DESTDIR)$(TMPFILESDIR)/mgw.conf
	chmod 644 $(DESTDIR)$(UNITDIR)/mgw.service \
	    $(DESTDIR)$(TMPFILESDIR)/mgw.conf
	install -m 644 dist/sysusers.conf $(DESTDIR)$(SYSUSERSDIR)/mgw.conf
	test -e $(DESTDIR)$(SYSCONFDIR)/mgw/mgw.conf || install -m 644 \
	    dist/mgw.conf $(DESTDIR)$(SYSCONFDIR)/mgw/mgw.conf

clean:
	rm -rf build

.PHONY: all deps deps-check deps-demo deps-bench deps-fuzz deps-lint \
    check unit tests-built e2e demo bench fuzz lint install clean
.SECONDARY:
-include $(shell find build -name '*.d' 2>/dev/null)
