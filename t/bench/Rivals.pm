package Rivals;

# jamhook and what a user would have instead of it, each started with one worker
# on a port of its own, all to deliver to the same target; and what they must do
# alike before anything is measured: see cases().
#
#   my @all = Rivals::start($target_port);
#   my @faults = Rivals::conform($contender, $target);
#   my %version = Rivals::versions();
#
# A contender is a hash: key, name, short (for plots), promise (what an answer
# 200 means), port, path, pids (of what does the work), nginx or pid, and store,
# where it has one.

use strict;
use warnings;

use Bench;
use Digest::SHA qw(sha1);
use File::Copy qw(copy);
use IO::Socket::INET;
use JSON::PP ();
use Jamhook::Env;
use Jamhook::Nginx;
use Jamhook::Sign;
use Jamhook::Store;
use Jamhook::Target;

my $json = JSON::PP->new->utf8->canonical;
our $SOURCE = "$FindBin::Bin/rivals";
my $unpacked = "$Jamhook::Env::TOP/build/rivals/root";
my $node = "$Jamhook::Env::TOP/build/rivals/node";
my @started;


# a program that is no nginx ends with us; $$ is another in what we fork
my $owner = $$;

END {
    my $status = $?;

    if ($$ == $owner) {
        stop($_) for @started;
    }

    $? = $status;
}


my $http = q{
    access_log off;
    keepalive_requests 100000000;

    upstream target {
        server 127.0.0.1:%{target};
        keepalive 256;
        keepalive_requests 100000000;
    }
};

my $bare = q{
        location = /jam {
            proxy_http_version  1.1;
            proxy_set_header    Connection "";
            proxy_pass          http://target/fin/215470686832743;
        }
};

my $jamhook = q{
        location = /jam {
            jamhook_pass    fin;
            jamhook_verify  keys/P1.key;
        }

        location /fin {
            jamhook_endpoint    fin;
            jamhook_connector   intercom_fin;
            jamhook_sign        keys/S1.key;
            jamhook_max_active  2000;
            proxy_http_version  1.1;
            proxy_set_header    Connection "";
            proxy_pass          http://target/fin/;
        }
};


# All of them, or those of these keys.
sub start {
    my ($target, @keys) = @_;

    my %want = map { $_ => 1 } @keys;
    my @kinds = (
        { key => 'bare', name => 'bare `proxy_pass`', short => 'proxy_pass',
          promise => 'the target said so; nothing is checked, mapped or signed',
          start => \&start_bare },
        { key => 'jamhook', name => 'jamhook', short => 'jamhook',
          promise => 'the target took it', start => \&start_jamhook },
        { key => 'durable', name => 'jamhook, SQLite',
          short => 'jamhook, SQLite',
          promise => 'it is on the disk; the delivery is tried for days',
          start => \&start_durable },
        { key => 'lua', name => 'lua-nginx', short => 'lua-nginx',
          promise => 'the target took it', start => \&start_lua },
        { key => 'njs', name => 'njs', short => 'njs',
          promise => 'the target took it', start => \&start_njs },
        { key => 'node', name => 'Node, fastify and undici',
          short => 'Node', promise => 'the target took it',
          start => \&start_node },
    );

    for my $kind (@kinds) {
        next if @keys && !$want{$kind->{key}};

        my $c = { path => '/jam', %$kind };

        delete($c->{start})->($c, $target);
        push @started, $c;
    }

    return @started;
}


sub nginx {
    my ($c, $target, %with) = @_;

    $c->{nginx} = Jamhook::Nginx->new(name => "relay-$c->{key}", no_module => 1,
        connections => 16384, level => 'warn', target => $target,
        http => $http, %with);
    $c->{port} = $c->{nginx}->port;
    $c->{pids} = [$c->{nginx}->workers];
}


sub start_bare { nginx(@_, server => $bare) }
sub start_jamhook { nginx(@_, no_module => 0, server => $jamhook) }


sub start_durable {
    my ($c, $target) = @_;

    my $store = Jamhook::Store->new(Jamhook::Env::tmp() . '/store',
                                    params => 'max_size=100g');

    nginx($c, $target, no_module => 0, server => $jamhook,
          http => $store->line . $http);
    $c->{store} = $store;

    Jamhook::Env::wait_for(sub { -s $store->file
        && eval { defined $store->value('select min(id) from endpoints') } })
        or die "no store";
}


sub start_lua {
    my ($c, $target) = @_;

    my @share = map { "$_/usr/share/lua/5.1" } $unpacked, '';
    my @libs = map { glob "$_/{usr/lib,lib}/*-linux-*" } $unpacked, '';

    # LuaJIT and PCRE are unpacked where the machine lacks them
    local $ENV{LD_LIBRARY_PATH} = join ':', grep { /^\Q$unpacked\E/ } @libs;

    nginx($c, $target, listen => 0,
          main => join('', map { "load_module " . module($_) . ";\n" }
                       qw(ndk_http_module ngx_http_lua_module)),
          lua_path => join(';', "$SOURCE/?.lua", map { "$_/?.lua" } @share),
          lua_cpath => join(';', map { "$_/lua/5.1/?.so" } @libs),
          http => $http . Jamhook::Env::slurp("$SOURCE/lua.conf"));
}


sub start_njs {
    my ($c, $target) = @_;

    nginx($c, $target, listen => 0, source => $SOURCE,
          main => 'load_module ' . module('ngx_http_js_module') . ';',
          http => $http . Jamhook::Env::slurp("$SOURCE/njs.conf"));
}


sub module {
    my ($name) = @_;

    my ($file) = grep { -e } map { "$_/usr/lib/nginx/modules/$name.so" }
                             $unpacked, '';

    return $file || die "no $name.so: t/tools/rivals.sh has not run";
}


sub start_node {
    my ($c, $target) = @_;

    my $keys = Jamhook::Env::tmp() . '/keys';

    # beside the packages, where node looks for them
    copy("$SOURCE/relay.mjs", "$node/relay.mjs") or die "$node: $!";
    Jamhook::Env::write_keys($keys);

    $c->{port} = Jamhook::Env::free_port();

    local $ENV{NODE_ENV} = 'production';

    my $pid = open my $said, '-|', 'node', "$node/relay.mjs", $c->{port},
                   $target, $keys;

    die "node: $!" unless $pid;

    $c->{pid} = $pid;
    $c->{said} = $said;
    $c->{pids} = [$pid];

    my $line = readline $said;

    die "node does not start" if !defined $line || $line ne "ready\n";
}


sub stop {
    my ($c) = @_;

    if ($c->{nginx}) {
        $c->{nginx}->stop;

    } elsif (my $pid = delete $c->{pid}) {
        kill 'TERM', $pid;
        close $c->{said};
    }
}


# What is measured, in which version; undef: it does not say.
sub versions {
    my $package = sub {
        my ($name) = @_;
        my $lock = Jamhook::Env::slurp("$SOURCE/package-lock.json");
        my ($v) = $lock =~ m{"node_modules/\Q$name\E":\ \{
                             \s+"version":\ "([^"]+)"}x;
        return $v;
    };
    my $of = sub {
        my ($text, $pattern) = @_;
        return $text =~ $pattern ? $1 : undef;
    };

    # Debian's, as its changelog in the package says
    my $debian = sub {
        my ($name) = @_;
        my ($file) = grep { -e }
                     map { ("$_/usr/share/doc/$name/changelog.Debian.gz",
                            "$_/usr/share/doc/$name/changelog.gz") }
                     $unpacked, '';
        return $file && $of->(scalar `zcat $file`, qr/^\S+ \(([^)]+)\)/);
    };

    return (
        nginx => $of->(scalar `$Jamhook::Env::REAL_NGINX -v 2>&1`,
                       qr{nginx/(\S+)}),
        'lua-nginx-module' => $debian->('libnginx-mod-http-lua'),
        LuaJIT => $debian->('libluajit2-5.1-2')
                  || $debian->('libluajit-5.1-2'),
        'lua-cjson' => $debian->('lua-cjson'),
        njs => $debian->('libnginx-mod-http-js'),
        Node => $of->(scalar `node --version 2>&1`, qr/v(\S+)/),
        fastify => $package->('fastify'),
        undici => $package->('undici'),
        OpenSSL => $of->(scalar `openssl version 2>&1`, qr/OpenSSL (\S+)/),
        SQLite => $of->(scalar `sqlite3 --version 2>&1`, qr/^(\S+)/),
    );
}


# What each must do: a name, the event (arguments of Jamhook::event), the
# answer, and what arrives at the target, as [conversation, body], or nothing.
# "says": what the target answers; only those who wait for that are asked.

my $ENVELOPE = '{"id":"evt_12345","type":"%s",'
    . '"created_at":"2025-09-09T12:00:00Z","data":%s}';

sub recorded {
    return sprintf $ENVELOPE, 'intercom.recorder.recorded',
        '{"conversationId":"215470686832743","jamId":"9573a43b","recording_url"'
        . ':"https://jam.dev/r/rec_12345"' . ($_[0] || '') . '}';
}

sub fin {
    my ($event, $conversation, %more) = @_;

    return [$conversation,
            { event => "intercom.recorder.$event",
              payload => { conversationId => $conversation, %more } }];
}

sub cases {
    my @usual = fin('recorded', '215470686832743', jamId => '9573a43b',
                    recording_url => 'https://jam.dev/r/rec_12345');
    my $envelope = sub { body => sprintf $ENVELOPE, @_ };
    my $recorded = sub { $envelope->('intercom.recorder.recorded', @_) };
    my @body = (body => recorded());

    my $signed = sub {
        my ($change, $of) = @_;
        my ($id, $at) = (Jamhook::Sign::new_id(), time);
        my $token = Jamhook::Sign::token('P1', $id, $at, $of || recorded());

        return (@body, id => $id, at => $at, signature => $change->($token));
    };

    return (
        ['a recorded event', [@body], '200 delivered', @usual],
        ['webhook- headers', [@body, family => 'webhook'], '200 delivered',
         @usual],
        ['290 s old', [@body, ts => -290], '200 delivered', @usual],
        ['the second of two tokens', [@body, key => 'P2+P1'], '200 delivered',
         @usual],
        ['tokens of other kinds',
         [$signed->(sub { "v1a,AAAA what v2,AAAA $_[0] v1," })],
         '200 delivered', @usual],
        ['an opted_out event',
         [$envelope->('intercom.recorder.opted_out',
                      '{"conversationId":"c-1_2"}')],
         '200 delivered', fin('opted_out', 'c-1_2')],
        ['no jamId, a URL that is null',
         [$recorded->('{"conversationId":"7","recording_url":null}')],
         '200 delivered', fin('recorded', '7')],
        ['a number for a conversation',
         [$recorded->('{"conversationId":215470686832743}')], '200 delivered',
         fin('recorded', '215470686832743')],
        ['quotes and more than ASCII',
         [$recorded->('{"conversationId":"7","jamId":"a\\"\\\\\\u00e9'
                      . "\xc3\xa9" . '"}')],
         '200 delivered', fin('recorded', '7', jamId => "a\"\\\xe9\xe9")],
        ['a flat event', [body => '{"conversationId":"7","jamId":"j","jamUrl":'
                                  . '"https://jam.dev/c/j"}'], '200 delivered',
         fin('recorded', '7', jamId => 'j',
             recording_url => 'https://jam.dev/c/j')],
        ['a flat one that opted out', [body => '{"conversationId":"7"}'],
         '200 delivered', fin('opted_out', '7')],
        ['20 KiB', [body => recorded(',"more":"' . 'x' x 20480 . '"')],
         '200 delivered', @usual],
        ['a type that Fin does not know', [$envelope->('jam.created', '{}')],
         '200 ignored'],

        ['another key', [@body, key => 'P2'], '401 signature_invalid'],
        ['another body', [$signed->(sub { $_[0] }, recorded(' '))],
         '401 signature_invalid'],
        ['half a signature', [$signed->(sub { substr $_[0], 0, 25 })],
         '401 signature_invalid'],
        ['a byte less', [$signed->(sub { 'v1,' . substr $_[0], 7 })],
         '401 signature_invalid'],
        ['an empty body under a forged signature', [body => '', key => 'P2'],
         '401 signature_invalid'],
        ['no signature', [@body, with => 'without=svix-signature'],
         '401 signature_missing'],
        ['no id', [@body, with => 'without=svix-id'], '401 signature_missing'],
        ['an id with a dot', [@body, id => 'msg.1'], '401 signature_missing'],
        ['an old timestamp', [@body, ts => -310], '401 timestamp_invalid'],
        ['one to come', [@body, ts => 310], '401 timestamp_invalid'],
        ['one that is no number', [@body, at => '1e9'],
         '401 timestamp_invalid'],

        ['bad JSON', [body => substr recorded(), 0, -1], '400 body_invalid'],
        ['an array', [body => '[{"conversationId":"7"}]'],
         '400 body_invalid'],
        ['no conversation', [$recorded->('{"jamId":"j"}')],
         '422 event_invalid'],
        ['one that is a path', [$recorded->('{"conversationId":"../7"}')],
         '422 event_invalid'],
        ['one that is a list', [$recorded->('{"conversationId":["7"]}')],
         '422 event_invalid'],
        ['a URL of another scheme',
         [$recorded->('{"conversationId":"7","recording_url":"ftp://x/y"}')],
         '422 event_invalid'],
        ['a jamId that is a number',
         [$recorded->('{"conversationId":"7","jamId":5}')],
         '422 event_invalid'],
        ['GET', [@body, method => 'GET'], '405 method_not_allowed'],
        ['text', [@body, type => 'text/plain'], '415 media_type_unsupported'],

        ['a target that says 500', [@body], '502 delivery_failed', @usual,
         says => '500'],
        ['... 404', [@body], '502 delivery_failed', @usual, says => '404'],
        ['... 302', [@body], '502 delivery_failed', @usual,
         says => '302 "Location: http://127.0.0.1/"'],
        ['... 204', [@body], '200 delivered', @usual, says => '204'],
        ['... 503', [@body], '503 unavailable', @usual,
         says => '503 "Retry-After: 7"', retry_after => 7],
        ['... 429', [@body], '503 unavailable', @usual,
         says => '429 "Retry-After: 9"', retry_after => 9],
        ['... nothing, and closes', [@body], '502 delivery_failed', @usual,
         says => 'close'],
    );
}


# What a contender does otherwise than it must; nothing for the bare proxy, that
# does none of it. The target is a Jamhook::Target.
sub conform {
    my ($c, $target) = @_;

    return if $c->{key} eq 'bare';

    my @faults;

    for my $case (cases()) {
        my ($name, $event, $want, @more) = @$case;
        my $arrives = ref $more[0] ? shift @more : undef;
        my %more = @more;

        if ($c->{store}) {
            next if $more{says};
            $want =~ s/delivered/stored/;
        }

        $target->set($more{says} || '200');

        my $before = $target->requests;
        my %event = (id => Jamhook::Sign::new_id(), uri => $c->{path}, @$event);
        my $answer = ask($c->{port}, Jamhook::event(%event));
        my ($word) = $answer->{body} =~ /"(?:result|code)":"(\w+)"/;
        my $got = "$answer->{status} " . (defined $word ? $word : '');

        push @faults, "$name: answers $got, not $want" if $got ne $want;
        push @faults, "$name: no Retry-After: $more{retry_after}"
            if $more{retry_after}
               && ($answer->{headers}{'retry-after'} || '')
                  ne $more{retry_after};

        # what is not to come would be there by the end of the next case
        my @came = $target->wait($before + ($arrives ? 1 : 0));
        splice @came, 0, $before;

        push @faults, "$name: " . @came . " requests at the target"
            if @came != ($arrives ? 1 : 0);
        push @faults, map { "$name: $_" }
                      delivery_faults($came[0], $event{id}, $arrives)
            if @came && $arrives;
    }

    $target->set('200');

    return @faults;
}


sub delivery_faults {
    my ($request, $id, $want) = @_;

    my ($conversation, $body) = @$want;
    my $to = "POST /fin/$conversation";
    my $sent = eval { $json->decode($request->{body}) } || {};
    my @faults;

    push @faults, "it is $request->{method} $request->{path}, not $to"
        if "$request->{method} $request->{path}" ne $to;
    push @faults, "its body is $request->{body}"
        if $json->encode($sent) ne $json->encode($body);

    my %headers = ('webhook-id' => $id, 'idempotency-key' => idempotency($id),
                   'content-type' => 'application/json');

    for my $name (sort keys %headers) {
        my @values = Jamhook::Target::header($request, $name);

        push @faults, "its $name is \"@values\", not \"$headers{$name}\""
            if "@values" ne $headers{$name};
    }

    push @faults, 'the sender\'s signature goes on'
        if defined Jamhook::Target::header($request, 'svix-signature');
    push @faults, grep { defined }
                  Jamhook::Sign::fault($request, 'webhook', 'S1');

    return @faults;
}


# UUID version 5 of jamhook:<id>/fin in the namespace of URLs
sub idempotency {
    my ($id) = @_;

    my @b = unpack 'C16', sha1(pack('H*', '6ba7b8119dad11d180b400c04fd430c8')
                               . "jamhook:$id/fin");

    $b[6] = $b[6] & 0x0f | 0x50;
    $b[8] = $b[8] & 0x3f | 0x80;

    return sprintf '%02x' x 4 . ('-' . '%02x' x 2) x 3 . '-' . '%02x' x 6, @b;
}


# one request, until the connection's end
sub ask {
    my ($port, $bytes) = @_;

    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port,
                                  Proto => 'tcp', Timeout => 5)
        or return { status => 0, body => '', headers => {} };
    my $raw = '';

    print $s $bytes;
    $s->flush;

    while (sysread $s, $raw, 65536, length $raw) { }

    my ($head, $body) = split /\r\n\r\n/, $raw, 2;
    my ($status) = ($head || '') =~ m{\AHTTP/1\.[01] (\d+)};
    my %headers = map { /^([^:]+):\s*(.*)$/ ? (lc $1 => $2) : () }
                  split /\r\n/, $head || '';

    return { status => $status || 0, headers => \%headers,
             body => defined $body ? $body : '' };
}


1;
