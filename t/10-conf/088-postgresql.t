# modes: plain san
#
# jamhook_store with a PostgreSQL: what nginx -t finds without a server.

use lib 't/lib';
use Cwd qw(realpath);
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use Test::More;
use Jamhook::Env;

# where an ordinary user gets to
my $top = realpath(tempdir(CLEANUP => 1));
my $module = "$top/ngx_http_jamhook_module.so";
my ($uid, $gid) = (getpwnam 'nobody')[2, 3];

chmod 0755, $top;
copy($Jamhook::Env::MODULE, $module) or die "$module: $!";
chmod 0644, $module;
mkdir "$top/$_", 0700 for qw(body proxy fastcgi uwsgi scgi);


# nginx -t: (whether it is content, its warnings and errors)
sub nginx_t {
    my ($store, %as) = @_;

    my $user = $as{user} ? "user $as{user};" : '';

    Jamhook::Env::write_file("$top/nginx.conf", <<"END", 0644);
        load_module $module;
        pid $top/nginx.pid;
        error_log $top/error.log;
        events { }
        http {
            access_log off;
            client_body_temp_path $top/body;
            proxy_temp_path $top/proxy;
            fastcgi_temp_path $top/fastcgi;
            uwsgi_temp_path $top/uwsgi;
            scgi_temp_path $top/scgi;
            jamhook_store $store;
        }
        $user
END

    my $said = `'$Jamhook::Env::NGINX' -t -e stderr -p '$top/' \\
                -c '$top/nginx.conf' 2>&1`;
    my $content = ($? == 0);

    return ($content, join '', grep { /\[(?!notice)\w+\]/ }
                               split /^/, $said);
}


sub is_good {
    my ($store, $name, %as) = @_;

    my ($content, $said) = nginx_t($store, %as);

    ok $content && $said eq '', "good: $name" or diag $said;
}


# one message at this level with this in it, and nothing of what is secret
sub says {
    my ($level, $store, $what, $name, %as) = @_;

    my ($content, $said) = nginx_t($store, %as);

    is $content, $level eq 'warn', "$level: $name" or diag $said;
    like $said, qr/\A.*\[\Q$level\E\].*\Q$what\E.* in \Q$top\E\S+:12\n\z/,
         '... and says so';
    unlike $said, qr/5ecret/, '... without the password' if $store =~ /5ecret/;
}


my $warns = sub { says('warn', @_) };
my $refuses = sub { says('emerg', @_) };
my $sqlite = 'give "sqlite:" and a directory';

(undef, my $said) = nginx_t('postgresql:///');

if ($said =~ /this build has no PostgreSQL/) {
    my $how = 'in "jamhook_store": this build has no PostgreSQL: install '
              . 'libpq-dev and build again';

    $refuses->('postgresql://u:5ecret@db/jam', 'invalid value "postgresql:" '
               . $how, 'a build without it');
    $refuses->('postgres://db/jam', 'invalid value "postgres:" ' . $how,
               'by its other name');
    $refuses->('sqlit:/x', $sqlite, 'a scheme that is none');

    done_testing;
    exit;
}


# ways to name it

is_good('postgresql:///', 'nothing but defaults');
is_good('postgres://localhost/jam', 'the other scheme');
is_good('postgresql://jam@127.0.0.1:5433/jam?connect_timeout=2', 'one host');
is_good('postgresql://jam@[::1]:5433/jam', 'an IPv6 address');
is_good('"postgresql:///jam?host=/run/postgresql&user=jam"', 'a socket');
is_good('postgresql://jam@%2Frun%2Fpostgresql/jam', 'one in its place');
is_good('postgresql:///?service=jam', 'a service');
is_good('"postgresql://a,b:5433/?service=jam"', 'with hosts');

for my $mode (qw(require verify-ca verify-full)) {
    is_good("postgresql://jam\@db.example.com/jam?sslmode=$mode",
            "another host, $mode");
}

is_good('"postgresql://db/jam?sslmode=verify-full&sslrootcert=system"',
        'certificates of the system');

for my $attrs (qw(read-write primary)) {
    is_good('"postgresql://a:5432,b:5433/jam?sslmode=require&'
            . "target_session_attrs=$attrs\"", "several hosts, $attrs");
}


# nobody is asked

my $server = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1')
             or die "listen: $!";

is_good('postgresql://jam@127.0.0.1:' . $server->sockport . '/jam',
        'a server that is there');
ok !IO::Select->new($server)->can_read(0.1), '... is not connected to';


# what is wrong

$refuses->('postgresql:', '"postgresql:" in "jamhook_store": "//" follows',
           'only the scheme');
$refuses->('"postgresql:host=db password=5ecret"', '"//" follows',
           'the other way to say it');
$refuses->('postgresql:/db/jam', '"//" follows', 'one slash');
$refuses->('postgresq://u:5ecret@db/jam', 'invalid value "postgresq:" in '
           . '"jamhook_store": ' . $sqlite . ', such as '
           . 'sqlite:/var/lib/nginx/jamhook, or a PostgreSQL\'s URI',
           'another scheme');
$refuses->('postgresql://u:5ecret@db/jam max_size=1g',
           'invalid value "max_size=1g" in "jamhook_store": it is for '
           . '"sqlite:" alone', 'max_size');
$refuses->('postgresql://u:pass 5ecret@db/jam', 'nothing follows the URI',
           'a space in it');
$refuses->('postgresql:///jam timeout=1', 'nothing follows the URI',
           'another parameter');
$refuses->('postgresql:///jam?sslmod=require',
           'invalid URI query parameter: "sslmod"', 'an unknown parameter');
$refuses->('"postgresql://db/jam?password=a&5ecret=1"',
           'invalid URI query parameter', 'a piece of a password');
$refuses->('postgresql://db/jam?password=a=5ecret',
           'extra key/value separator "=" in URI query parameter',
           'an = in a password');
$refuses->('postgresql://u:%xx5ecret@db/jam',
           'invalid percent-encoded token', 'a % that is not escaped');
$refuses->('postgresql://u:5ecret%00@db/jam', 'forbidden value %00',
           'a NUL');
$refuses->("postgresql://u:$_\@db/jam", 'write "@", "/" and "?" in a name or '
           . 'a password as %40, %2F and %3F', "$_ in a password")
    for '5e@5ecret', '5e/5ecret', '5e?5ecret=1', '123/5ecret', '123?host=5ecret';
$refuses->('postgresql://[::1/jam', 'matching "]" in IPv6 host address in URI',
           'a half address');
$refuses->("postgresql://db:$_/jam", 'a port is a number from 1 to 65535',
           "port $_") for qw(0 65536 five 99999999999999999999);
$refuses->('"postgresql:///jam?host=a,b,c&port=1,2"',
           'there are 3 hosts and 2 ports', 'too few ports');
$refuses->('postgresql:///jam?sslmode=on', '"sslmode" is one of disable, ',
           'an sslmode that is none');
$refuses->("postgresql:///jam?target_session_attrs=$_",
           '"target_session_attrs" is one of read-write, primary, any',
           "target_session_attrs=$_") for qw(standby read-only prefer-standby
                                             read);
$refuses->("postgresql:///jam?$_=secrets/jam",
           "give the whole name of the file in \"$_\"", "a relative $_")
    for qw(passfile sslrootcert sslcert sslkey sslcrl);


# what is not wise

$warns->('postgresql://u:5ecret@localhost/jam', '"jamhook_store" holds a '
         . 'password, which "nginx -T" shows', 'a password');
$warns->('"postgresql:///jam?user=u&password=5ecret"', 'holds a password',
         'one in a parameter');
$warns->('postgresql:///jam?sslpassword=5ecret', 'holds a password',
         'one of a key');

for my $parameter ('', map { "?sslmode=$_" } qw(disable allow prefer)) {
    $warns->("postgresql://jam\@db.example.com/jam$parameter",
             'may send events to "postgresql://jam@db.example.com/jam" in '
             . 'clear text; use "sslmode=verify-full"',
             "another host, $parameter");
}

$warns->('postgresql:///jam?hostaddr=192.0.2.1',
         'may send events to "postgresql://192.0.2.1/jam"', 'an address');
$warns->('"postgresql://localhost,db/jam?target_session_attrs=read-write"',
         'may send events to "postgresql://localhost,db/jam"',
         'one of several hosts');
$warns->("\"postgresql://a,b/jam?sslmode=require$_\"",
         'may find a standby among the hosts of "postgresql://a,b/jam"',
         "several hosts, $_") for '', '&target_session_attrs=any';

# what is shown is a URI, without what is not asked for
$warns->('"postgresql://j%40m:5ecret@db:5433,[2001:db8::1],%2Frun/j%2Fm?'
         . 'sslmode=require&options=-c5ecret&target_session_attrs=primary"',
         'holds a password', 'all of it');
$warns->('"postgresql://j%40m@db,[2001:db8::1],%2Frun:5433/j%2Fm?'
         . 'options=-c5ecret&target_session_attrs=read-write"',
         'to "postgresql://j%40m@db,[2001:db8::1],%2Frun:5433/j%2Fm" in',
         'a name with all in it');


# a file with the password

my $file = "$top/pgpass";
my $uri = "postgresql:///jam?passfile=$file";
my $cannot = "the password file \"$file\" in \"jamhook_store\" cannot be used";

$warns->($uri, "$cannot, it is not there: give it to nginx's worker user, "
         . 'with mode 0600', 'a password file that is not there');

mkdir $file, 0700;
$warns->($uri, "$cannot, it is no regular file", 'a directory');
rmdir $file;

Jamhook::Env::write_file($file, "*:*:*:*:5ecret\n", 0640);
$warns->($uri, "$cannot, others have rights on it", 'for the group, too');
chmod 0604, $file;
$warns->($uri, "$cannot, others have rights on it", 'for others, too');
chmod 0600, $file;

SKIP: {
    skip 'not root', 1 if $>;

    my @as = (user => 'nobody ' . getgrgid $gid);

    $warns->($uri, "$cannot, the workers may not read it", 'root\'s', @as);
    chown $uid, $gid, $file;
    is_good($uri, 'the workers\'', @as);
    chmod 0000, $file;
    $warns->($uri, "$cannot, the workers may not read it", 'mode 0', @as);
    is_good($uri, 'workers that are root', user => 'root root');
    chmod 0600, $file;
}

is_good($uri, 'a password file') if $>;

done_testing;
