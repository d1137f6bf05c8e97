package Jamhook::Env;

# What every test of nginx needs: directories, free ports, the module, and the
# look at what nginx left behind.
#
# Each test file has a directory of its own, build/t/<room>-<topic>, which stays
# after the test.
#
#   JAMHOOK_MODULE    the module; build/ngx_http_jamhook_module.so
#   JAMHOOK_NGINX     nginx; this machine's (NGINX is a variable of nginx's own)
#   JAMHOOK_UNDER     "san", "palloc" or "valgrind": what nginx runs under
#                     (see t/tools/test.sh)
#   TEST_NGINX_USE_HUP
#   JAMHOOK_TEST_STORE  "pgsql": stores are PostgreSQL's (see Jamhook::Store)

use strict;
use warnings;

use Cwd qw(abs_path);
use Fcntl qw(:flock O_CREAT O_RDWR);
use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use IO::Socket::INET;
use Time::HiRes qw(time sleep);

our $TOP = abs_path(dirname(abs_path(__FILE__)) . '/../../..');
# Test::Nginx, from t/tools/deps.sh
unshift @INC, "$TOP/build/perl/usr/share/perl5";

our $UNDER = $ENV{JAMHOOK_UNDER} || '';
our $HUP = $ENV{TEST_NGINX_USE_HUP} ? 1 : 0;
our $STORE = $ENV{JAMHOOK_TEST_STORE} || '';

# how many times longer than usual things may take
our $PATIENCE = $ENV{JAMHOOK_PATIENCE} ||=
                $UNDER eq 'valgrind' ? 20 : $UNDER ? 4 : 1;

# '' where it is a part of nginx
our $MODULE = $ENV{JAMHOOK_MODULE};

if (!defined $MODULE) {
    $MODULE = $UNDER eq 'palloc' ? ''
            : "$TOP/build/" . ($UNDER ? "$UNDER/" : '')
              . 'ngx_http_jamhook_module.so';
}

our $REAL_NGINX = $UNDER eq 'palloc' ? "$TOP/build/palloc/nginx"
                                       : $ENV{JAMHOOK_NGINX};

if (!$REAL_NGINX) {
    ($REAL_NGINX) = grep { -x } '/usr/sbin/nginx',
                                map { "$_/nginx" } split /:/, $ENV{PATH};
    die "no nginx" unless $REAL_NGINX;
}

our $NGINX = $UNDER ? "$TOP/t/tools/under.sh" : $REAL_NGINX;

# for t/tools/under.sh
if ($UNDER eq 'san') {
    $ENV{JAMHOOK_PRELOAD} ||= join ' ',
        map { `cc -print-file-name=$_` =~ s/\n//r } qw(libasan.so libubsan.so);
}

our $TMP;


# the directory of the test that runs, emptied
sub tmp {
    return $TMP if defined $TMP;

    my $name = abs_path($0);
    $name =~ s{^\Q$TOP\E/t/}{};
    $name =~ s{\.t$}{};
    $name =~ s{[^\w.-]}{-}g;

    $TMP = "$TOP/build/t/" . join '-', $name, ($UNDER || ()),
                                       ($HUP ? 'hup' : ()), ($STORE || ());

    # what an interrupted run left behind
    for my $file (glob("$TMP/*/logs/nginx.pid"), glob("$TMP/*/nginx.pid")) {
        my $pid = slurp($file);
        stop_nginx($pid, 'KILL') if $pid =~ /^\d+$/ && is_ours($pid);
    }

    remove_tree($TMP);
    make_path($TMP);

    $ENV{JAMHOOK_TMP} = $TMP;
    $ENV{JAMHOOK_REAL_NGINX} = $REAL_NGINX;
    $ENV{JAMHOOK_TOP} = $TOP;

    return $TMP;
}


sub slurp {
    my ($file) = @_;

    open my $fh, '<', $file or return '';
    local $/;
    my $text = <$fh>;

    return defined $text ? $text =~ s/\n\z//r : '';
}


# a process whose command line has our directory in it
sub is_ours {
    my ($pid) = @_;

    return index(slurp("/proc/$pid/cmdline"), $TMP) >= 0;
}


sub is_running {
    my ($pid) = @_;

    return slurp("/proc/$pid/stat") =~ /\) ([A-Z])/ && $1 ne 'Z';
}


sub children {
    my ($pid) = @_;

    return grep { /^\d+$/ }
           map { split ' ', slurp($_) } glob "/proc/$pid/task/*/children";
}


# The workers of the master $pid, with $all those too that shut down. Their titles
# tell; under valgrind a process has no title of its own, but nginx says all of it
# in this log of level notice.
sub workers {
    my ($pid, $log, $all) = @_;

    if ($UNDER eq 'valgrind') {
        my $said = slurp($log);
        my %is = map { $_ => 1 } $said =~ /: start worker process (\d+)$/mg;

        delete @is{ $said =~ / (\d+)#\d+: gracefully shutting down$/mg }
            if !$all;

        return grep { $is{$_} } children($pid);
    }

    my $as = $all ? qr/worker process/ : qr/worker process$/;

    return grep { slurp("/proc/$_/cmdline") =~ s/\0+\z//r =~ $as }
           children($pid);
}


# Ends an nginx by QUIT, TERM, or KILL, and waits; false: it had to be killed.
sub stop_nginx {
    my ($pid, $signal, $seconds) = @_;

    my @all = ($pid, children($pid));
    my $until = time + ($seconds || 10 * $PATIENCE);

    kill $signal || 'QUIT', ($signal || '') eq 'KILL' ? @all : $pid;

    while (grep { is_running($_) } @all) {
        if (time > $until) {
            kill 'KILL', grep { is_running($_) } @all;
            return 0;
        }

        sleep 0.01;
    }

    return 1;
}


my (%locks, $refused);

# A port on which nobody listens, below those that the kernel gives away itself.
sub free_port {
    my $dir = "/tmp/jamhook-ports-$<";
    make_path($dir);

    for (1 .. 1000) {
        my $port = 10000 + int rand 20000;

        sysopen my $lock, "$dir/$port", O_CREAT | O_RDWR, 0600 or next;
        flock $lock, LOCK_EX | LOCK_NB or next;

        my $s = IO::Socket::INET->new(LocalAddr => '0.0.0.0',
                                      LocalPort => $port, Listen => 1,
                                      ReuseAddr => 1) or next;
        close $s;
        $locks{$port} = $lock;

        return $port;
    }

    die "no free port";
}


# a port that refuses connections for as long as the test runs
sub refused_port {
    $refused ||= IO::Socket::INET->new(LocalAddr => '127.0.0.1',
                                       LocalPort => 0, Proto => 'tcp');
    return $refused->sockport;
}


# a certificate for localhost, made once: (certificate, key)
sub certificate {
    my $dir = "$TOP/build/tls";
    my @files = ("$dir/localhost.crt", "$dir/localhost.key");

    make_path($dir);
    open my $lock, '>', "$dir/lock" or die $!;
    flock $lock, LOCK_EX;

    if (grep { !-s } @files) {
        system('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
               'ec_paramgen_curve:P-256', '-nodes', '-days', '3650', '-subj',
               '/CN=localhost', '-addext',
               'subjectAltName=DNS:localhost,IP:127.0.0.1', '-out', $files[0],
               '-keyout', $files[1], '-batch') == 0 or die "openssl";
    }

    return @files;
}


# Polls. What does not come within the 12 s or 15 s after which an attempt ends
# of itself does not come in time.
sub wait_for(&;$) {
    my ($code, $seconds) = @_;

    my $until = time + ($seconds || 10 * $PATIENCE);

    while (1) {
        my $got = $code->();
        return $got if $got || time > $until;
        sleep 0.01;
    }
}


# Lines that no test may leave in a log, but for those which it expects.
our $BAD = qr/\[(?:alert|crit|emerg)\]|==\d+==
              |ngx_http_jamhook\w*\.[ch]:[\d:]+\ runtime\ error:
              |(?:Address|Leak|Undefined\w+)Sanitizer/x;

sub bad_lines {
    my ($lines, @expected) = @_;

    return grep {
        my $line = $_;
        $line =~ $BAD && !grep { matches($line, $_) } @expected;
    } @$lines;
}


# Both: what is wrong with an nginx that had this log.
sub faults {
    my ($lines, @expected) = @_;

    return bad_lines($lines, @expected), under_lines();
}


# What sanitizers or valgrind had to say so far, as one line for each finding
# and some of its stack.  nginx itself leaks a few bytes at its end on purpose:
# of leaks only those count that have the module in their stack (and only those
# that others hang on), and of undefined behaviour what stands in its files.
sub under_lines {
    my @found;

    for my $file (glob "$TMP/under.*") {
        my $text = slurp($file);

        $text =~ s/^==\d+== ?//mg if $UNDER eq 'valgrind';

        for my $part (split /\n\s*\n|\n(?=[^\n]*: runtime error: )/, $text) {
            next if $part =~ /^([^\n]*): runtime error: /
                    && $1 !~ /ngx_http_jamhook\w*\.[ch]:/;

            # names, not paths: a directory may be called jamhook too
            next if $part =~ /^\s*Indirect leak/;

            # OpenSSL's for a thread, that ends while the process does
            next if $part =~ /^\s*Direct leak.*\bRAND_get0_p\w+/s;
            next if $part =~ /leak of \d+ byte|lost in loss record/
                    && $part =~ s{\S*/\S*}{}gr
                       !~ /ngx_http_jamhook_|unknown module/;
            next if $part !~ /\S/
                    || $part =~ /\A[\s=]*\d+==ERROR: LeakSan[^\n]*\z/
                    || $part =~ /\ASUMMARY: [^\n]*leaked in[^\n]*\z/;

            my @lines = split /\n/, $part;
            push @found, "$file: ==1== " . shift @lines,
                         map { "    $_" } @lines;
        }
    }

    return @found;
}


sub matches {
    my ($line, $pattern) = @_;

    return $line =~ $pattern if ref $pattern;
    return $line =~ /$1/ if $pattern =~ m{^~\s*(.*)$};
    return index($line, $pattern) >= 0;
}


sub write_file {
    my ($path, $text, $mode) = @_;

    make_path(dirname($path));
    sysopen my $fh, $path, O_CREAT | O_RDWR | Fcntl::O_TRUNC(),
            defined $mode ? $mode : 0600 or die "$path: $!";
    binmode $fh;
    print $fh $text;
    close $fh or die "$path: $!";
    chmod $mode, $path if defined $mode;
}


# Keys as files: <dir>/P1.key and so on, plus "both.key" (P1 and P2).
sub write_keys {
    my ($dir) = @_;

    require Jamhook::Sign;
    my $keys = \%Jamhook::Sign::KEYS;

    write_file("$dir/$_.key", "# $_\n$keys->{$_}\n") for keys %$keys;
    write_file("$dir/both.key", "$keys->{P1}\n$keys->{P2}\n");
}


1;
