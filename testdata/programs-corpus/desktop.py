"""X clients, X servers and desktops."""

IMAGE = [{"creator": "Xvfb", "what": "the framebuffer of Xvfb -shmem", "layout": "xwd"}, {"what": "an image shared with the X server (MIT-SHM)"}]
PICTURE = "convert -size 160x120 plasma:red-blue picture.png"
SOUNDLESS = "ffmpeg -v quiet -f lavfi -i testsrc=size=160x120:rate=10 -t 60 clip.avi"


def client(name, package, start, of=None, least=1, **more):
    """A client of Xvfb with a small screen, which shares images with it; `least` 0: one that does not."""
    return {"name": name, "package": package, "packages": ["xvfb", *package.split(), *more.pop("with", [])], "display": "320x240x24", "start": start, "of": of or name, "least": least, "segments": IMAGE, **more}


DESKTOP = [
    client("xeyes", "x11-apps", "xeyes &", least=0),
    client("xclock", "x11-apps", "xclock -update 1 &", least=0),
    client("xlogo", "x11-apps", "xlogo &", least=0),
    client("xterm", "xterm", "xterm -e top &", least=0),
    client("feh", "feh", f"{PICTURE}; feh picture.png &", least=0, **{"with": ["imagemagick"]}),
    client("display", "imagemagick", f"{PICTURE}; display picture.png &", "display.*"),
    client("display-gray", "imagemagick", "convert -size 160x120 gradient: gray.png; display gray.png &", "display.*"),
    client("animate", "imagemagick", "convert -size 90x60 xc:red xc:green xc:blue -set delay 20 c.gif; animate c.gif &", "animate.*"),
    client("mpv", "mpv", f"{SOUNDLESS}; mpv --no-config --vo=x11 --loop --osc=no clip.avi &", **{"with": ["ffmpeg"]}),
    client("mplayer", "mplayer", f"{SOUNDLESS}; mplayer -quiet -vo x11 -nosound -loop 0 clip.avi &", **{"with": ["ffmpeg"]}),
    client("ffmpeg-x11grab", "ffmpeg", "xclock & ffmpeg -v quiet -f x11grab -framerate 5 -i :9 -f null - &", "ffmpeg"),
    client("ffplay", "ffmpeg", f"{SOUNDLESS}; SDL_VIDEODRIVER=x11 SDL_RENDER_DRIVER=software SDL_FRAMEBUFFER_ACCELERATION=0 ffplay -v quiet -an -loop 0 clip.avi &"),
    client("zenity", "zenity", "zenity --info --text Hello &"),
    client("zenity-calendar", "zenity", "zenity --calendar &", "zenity"),
    client("mousepad", "mousepad", "mousepad --disable-server &"),
    client("galculator", "galculator", "galculator &"),
    client("dillo", "dillo", "echo '<h1>Hello</h1>' > a.html; dillo a.html &", least=0),
    client("links2", "links2", "echo '<h1>Hello</h1>' > a.html; links2 -g -driver x a.html &", "links2?", least=0),
    client("mupdf", "mupdf", f"{PICTURE}; convert picture.png a.pdf 2>/dev/null || gs -q -o a.pdf -sDEVICE=pdfwrite -c showpage; mupdf a.pdf &", "mupdf.*", **{"with": ["imagemagick", "ghostscript"]}),
    client("mupdf-image", "mupdf", f"{PICTURE}; mupdf picture.png &", "mupdf.*", **{"with": ["imagemagick"]}),
    client("gv", "gv", "printf '%%!PS\\n100 100 moveto 200 200 lineto stroke showpage\\n' > a.ps; gv a.ps &", "gv", least=0),
    client("featherpad", "featherpad", "featherpad &", least=0),
    client("qt5ct", "qt5ct", "qt5ct &", least=0),
    client("xephyr", "xserver-xephyr", "Xephyr :8 -screen 200x150 & sleep 1; DISPLAY=:8 xclock &", "Xephyr", least=0, **{"with": ["x11-apps"]}),
    client("x11vnc", "x11vnc", "xclock & x11vnc -quiet -nopw -forever -localhost &", "x11vnc", **{"with": ["x11-apps"]}),
    client("xfwm4", "xfwm4", "dbus-run-session sh -c 'xfwm4 --compositor=off & xclock' &", least=0, **{"with": ["dbus"]}),
    client("xfce4-panel", "xfce4-panel", "dbus-run-session xfce4-panel &", **{"with": ["dbus"]}),
    client("xfdesktop", "xfdesktop4", "dbus-run-session xfdesktop &", "xfdesktop", **{"with": ["dbus"]}),
    client("thunar", "thunar", "dbus-run-session thunar &", "[Tt]hunar", **{"with": ["dbus"]}),
    client("pcmanfm", "pcmanfm", "dbus-run-session pcmanfm &", **{"with": ["dbus"]}),
    client("tint2", "tint2", "tint2 &", least=0),
    client("conky", "conky-std", "echo 'conky.config={own_window=true,double_buffer=true} conky.text=[[$uptime]]' > c; conky -c c &", least=0),
    client("openbox", "openbox", "openbox & xclock &", least=0),
    client("fluxbox", "fluxbox", "fluxbox & xclock &", least=0),
    client("icewm", "icewm", "icewm & xclock &", least=0),
    client("picom", "picom", "picom --backend xrender & xclock &", least=0),
    client("dosbox", "dosbox", "SDL_VIDEODRIVER=x11 SDL_AUDIODRIVER=dummy dosbox &", display="800x600x24"),
    client("geeqie", "geeqie", f"{PICTURE}; geeqie picture.png &", **{"with": ["imagemagick"]}),
    client("gkrellm", "gkrellm", "gkrellm &", least=0),
    client("sxiv", "sxiv", f"{PICTURE}; sxiv picture.png &", least=0, **{"with": ["imagemagick"]}),
    client("qiv", "qiv", f"{PICTURE}; qiv picture.png &", least=0, **{"with": ["imagemagick"]}),
    client("xloadimage", "xloadimage", f"{PICTURE}; convert picture.png a.gif; xloadimage a.gif &", least=0, **{"with": ["imagemagick"]}),
    client("wish", "tk", "echo 'button .b -text Hello; pack .b' > a.tcl; wish a.tcl &", "wish.*", least=0),
    client("gnuplot", "gnuplot-x11", "(echo 'set terminal x11; plot sin(x)'; sleep 60) | gnuplot &", "gnuplot_x11", least=0),
    *(
        client(f"hack-{hack}", "xscreensaver-data-extra" if hack != "swirl" and hack != "ripples" else "xscreensaver-data", f"/usr/libexec/xscreensaver/{hack} &", hack, settle=3)
        for hack in ["swirl", "ripples", "interference", "bumps", "twang"]
    ),
    client("xvfb-shmem-8", "xvfb", f"{PICTURE}; display picture.png &", "Xvfb", display="160x120x8", xvfb="-shmem", **{"with": ["imagemagick"]}),
    client("xvfb-shmem-16", "xvfb", "zenity --info --text Hello &", "Xvfb", display="320x240x16", xvfb="-shmem", least=2, **{"with": ["zenity"]}),
    client("xvfb-shmem-24", "xvfb", "zenity --info --text Hello & feh picture.png &", "Xvfb", display="320x240x24", xvfb="-shmem", least=2, **{"with": ["zenity", "feh"]}),
    client("xvfb-shmem-empty", "xvfb", "true", "Xvfb", xvfb="-shmem"),
    client("xvfb-clients", "xvfb", f"{PICTURE}; zenity --calendar & display picture.png & mousepad --disable-server &", "Xvfb", least=3, **{"with": ["zenity", "feh", "mousepad", "imagemagick"]}),
    client("xtigervnc", "tigervnc-standalone-server", "Xtigervnc :7 -geometry 200x150 -SecurityTypes None & sleep 1; DISPLAY=:7 zenity --info --text Hello &", "Xtigervnc", **{"with": ["zenity"]}),
]
